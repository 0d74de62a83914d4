"""Where the picture is inside the picture: borders trimmed, screenshots and memes cut out.

Boxes are (left, top, right, bottom) as fractions of the whole, so that they hold at any size.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

BORDER_CONTRAST = 12  # grey levels from the row's median that still count as border
BORDER_OUTLIERS = 0.02  # share of a border row that may differ more
MOST_TRIMMED = 0.45  # share of a side that trimming may take from one end
CONTENT_CONTRAST = 18  # grey levels from the row's median that count as texture
CONTENT_SHARE = 0.25  # share of a row that must be texture
CONTENT_SMOOTHING = 40  # rows are voted over 1/40 of the side, so thin gaps do not split
SUBSAMPLED = 2  # every second pixel says where borders are
SMALLEST_BOX = 0.2  # of a side; less is a detail, not the content
SAME_BOX = 0.01  # boxes closer than this, in every coordinate, are one probe


def content_boxes(luma: NDArray[np.float32]) -> dict[str, Box]:
    """The whole picture and, where they differ from it, the trimmed and the content box."""
    luma = np.ascontiguousarray(luma[::SUBSAMPLED, ::SUBSAMPLED])
    boxes = {"whole": WHOLE}
    for name, box in (("trimmed", trim_borders(luma)), ("content", find_content(luma))):
        if not any(_same(box, other) for other in boxes.values()):
            boxes[name] = box
    return boxes


def trim_borders(luma: NDArray[np.float32]) -> Box:
    """Cut away margins of nearly one colour (letterbox, frames, meme captions without text)."""
    top, bottom = _without_margins(_is_border(luma))
    left, right = _without_margins(_is_border(luma[top:bottom].T))
    return _box(luma, left, top, right, bottom)


def find_content(luma: NDArray[np.float32]) -> Box:
    """The longest textured stretch of rows, then of columns (screenshots, captions)."""
    top, bottom = _longest_run(_is_texture(luma))
    left, right = _longest_run(_is_texture(luma[top:bottom].T))
    return _box(luma, left, top, right, bottom)


def cut(luma: NDArray[np.float32], box: Box) -> NDArray[np.float32]:
    """The pixels inside a box."""
    height, width = luma.shape
    left, top, right, bottom = box
    return np.ascontiguousarray(
        luma[
            round(top * height) : round(bottom * height), round(left * width) : round(right * width)
        ]
    )


def _deviation(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    # The row's median, as `np.median` gives it; sorting is several times as fast.
    ordered = np.sort(luma, axis=1)
    middle = ordered.shape[1] // 2
    median = (ordered[:, ordered.shape[1] - 1 - middle] + ordered[:, middle]) / np.float32(2)
    deviation: NDArray[np.float32] = np.abs(luma - median[:, None])
    return deviation


def _is_border(luma: NDArray[np.float32]) -> NDArray[np.bool_]:
    outliers: NDArray[np.bool_] = (_deviation(luma) > BORDER_CONTRAST).mean(1) < BORDER_OUTLIERS
    return outliers


def _is_texture(luma: NDArray[np.float32]) -> NDArray[np.bool_]:
    textured = (_deviation(luma) > CONTENT_CONTRAST).mean(1) > CONTENT_SHARE
    window = max(1, len(textured) // CONTENT_SMOOTHING)
    votes = np.convolve(textured.astype(float), np.ones(window) / window, "same")
    smooth: NDArray[np.bool_] = votes > 0.5
    return smooth


def _without_margins(border: NDArray[np.bool_]) -> tuple[int, int]:
    length = len(border)
    most = int(length * MOST_TRIMMED)
    inside = np.flatnonzero(~border)
    if not len(inside):
        return 0, length
    return min(int(inside[0]), most), max(int(inside[-1]) + 1, length - most)


def _longest_run(mask: NDArray[np.bool_]) -> tuple[int, int]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts) or (ends - starts).max() < SMALLEST_BOX * len(mask):
        return 0, len(mask)
    longest = int((ends - starts).argmax())
    return int(starts[longest]), int(ends[longest])


def _box(luma: NDArray[np.float32], left: int, top: int, right: int, bottom: int) -> Box:
    height, width = luma.shape
    box = (left / width, top / height, right / width, bottom / height)
    if box[2] - box[0] < SMALLEST_BOX or box[3] - box[1] < SMALLEST_BOX:
        return WHOLE
    return box


def _same(first: Box, second: Box) -> bool:
    return max(abs(a - b) for a, b in zip(first, second, strict=True)) < SAME_BOX

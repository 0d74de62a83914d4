"""Pixels out: the marked copy of a picture, and what was changed, for the eye."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.errors import InputRefused
from assay.watermark.compilation import compiled
from assay.watermark.images import check_pixels


def add_plane(
    shaped: NDArray[np.generic],
    plane: NDArray[np.float32],
    weights: NDArray[np.uint8] | None = None,
) -> NDArray[np.generic]:
    """A copy of the picture (H, W, C) with a plane (h, w) added to every colour channel.

    The plane is enlarged by cubic interpolation, row by row, and multiplied by `weights` / 255,
    shape (H, W), where they are given. Values are clipped to the range of the dtype.
    """
    channels = shaped.shape[2]
    result = np.empty_like(shaped)
    factor = 1.0 if shaped.dtype == np.uint8 else 257.0
    mask = np.full((1, 1), 255, np.uint8) if weights is None else weights
    _add(shaped, plane, mask, result, min(channels, 3), factor, 255.0 * factor)
    return result


def render_difference(
    original: NDArray[np.generic], marked: NDArray[np.generic], gain: float = 20
) -> NDArray[np.uint8]:
    """What the mark changed, amplified around mid-gray, shape (H, W, 3) uint8.

    Raises:
        InputRefused: the two are not pictures of one shape and dtype.
    """
    first, second = check_pixels(original), check_pixels(marked)
    if first.shape != second.shape or first.dtype != second.dtype:
        raise InputRefused(f"shapes differ: {original.shape} and {marked.shape}")
    unit = 1.0 if first.dtype == np.uint8 else 1 / 257.0
    change = (second[..., :3].astype(np.float32) - first[..., :3].astype(np.float32)) * unit
    levels = np.clip(np.rint(128 + gain * change), 0, 255).astype(np.uint8)
    return np.repeat(levels, 3, axis=2) if levels.shape[2] == 1 else levels


@compiled
def _add(
    pixels: NDArray[np.generic],
    plane: NDArray[np.float32],
    mask: NDArray[np.uint8],
    result: NDArray[np.generic],
    colours: int,
    factor: float,
    top: float,
) -> None:
    height, width, channels = pixels.shape
    rows, columns = plane.shape
    masked = mask.shape[0] == height
    across = columns / width
    first = np.empty((width, 4), np.int32)
    taps = np.empty((width, 4), np.float32)
    same = columns == width and rows == height
    for x in range(width):
        at = (x + 0.5) * across - 0.5
        base = int(np.floor(at))
        t = at - base
        taps[x, 0] = ((-0.5 * t + 1.0) * t - 0.5) * t
        taps[x, 1] = (1.5 * t - 2.5) * t * t + 1.0
        taps[x, 2] = ((-1.5 * t + 2.0) * t + 0.5) * t
        taps[x, 3] = (0.5 * t - 0.5) * t * t
        for k in range(4):
            first[x, k] = min(max(base - 1 + k, 0), columns - 1)
    line = np.empty(columns, np.float32)
    for y in range(height):
        if same:
            line[:] = plane[y]
        else:
            at = (y + 0.5) * rows / height - 0.5
            base = int(np.floor(at))
            t = at - base
            a = ((-0.5 * t + 1.0) * t - 0.5) * t
            b = (1.5 * t - 2.5) * t * t + 1.0
            c = ((-1.5 * t + 2.0) * t + 0.5) * t
            d = (0.5 * t - 0.5) * t * t
            r0, r1 = min(max(base - 1, 0), rows - 1), min(max(base, 0), rows - 1)
            r2, r3 = min(max(base + 1, 0), rows - 1), min(max(base + 2, 0), rows - 1)
            for x in range(columns):
                line[x] = a * plane[r0, x] + b * plane[r1, x] + c * plane[r2, x] + d * plane[r3, x]
        for x in range(width):
            if same:
                value = line[x]
            else:
                value = (
                    taps[x, 0] * line[first[x, 0]]
                    + taps[x, 1] * line[first[x, 1]]
                    + taps[x, 2] * line[first[x, 2]]
                    + taps[x, 3] * line[first[x, 3]]
                )
            if masked:
                value *= mask[y, x] * np.float32(1 / 255)
            for channel in range(channels):
                if channel < colours:
                    level = pixels[y, x, channel] + np.rint(value * factor)
                    result[y, x, channel] = min(max(level, 0.0), top)
                else:
                    result[y, x, channel] = pixels[y, x, channel]

"""One rendition for every face: the same field of view, size and compression."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.finding import Box
from assay.detector.neutralisation import compress

# The crop reaches this far beyond the box on each side, as a share of the box: forehead, hair,
# neck and some background, which a blended face must agree with.
MARGIN = 0.4
# Crops are reduced so that a box is at most this wide (pixels); never enlarged.
FACE_SIDE = 140
QUALITY = 90
# Faces narrower than this have no boundary that compression leaves visible (pixels).
SMALLEST_FACE = 64


@dataclass(frozen=True)
class FaceCrop:
    """A face with its surroundings, in the standard rendition.

    Attributes:
        pixels: sRGB uint8, HxWx3; cut short where the picture ends.
        centre: of the face box in the crop, (x, y) in pixels.
        side: longer side of the face box in the crop, pixels, at most FACE_SIDE.
    """

    pixels: NDArray[np.uint8]
    centre: tuple[float, float]
    side: float


def crop_face(pixels: NDArray[np.uint8], box: Box) -> FaceCrop:
    """Cut out a face, reduce it by pixel-area averaging, compress it once.

    Args:
        pixels: sRGB uint8, HxWx3.
        box: (left, top, right, bottom) of the face, brow to chin, inside the picture.
    """
    cut, inside = cut_face(pixels, box)
    left, top, right, bottom = inside
    side = max(right - left, bottom - top)
    scale = min(1.0, FACE_SIDE / side)
    if scale < 1:
        height, width = cut.shape[:2]
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        cut = np.asarray(cv2.resize(cut, size, interpolation=cv2.INTER_AREA), np.uint8)
    return FaceCrop(
        pixels=compress(cut, QUALITY),
        centre=((left + right) / 2 * scale, (top + bottom) / 2 * scale),
        side=side * scale,
    )


def cut_face(pixels: NDArray[np.uint8], box: Box) -> tuple[NDArray[np.uint8], Box]:
    """The face with its margins at its own size, and the box inside that cut."""
    left, top, right, bottom = box
    reach = round(max(right - left, bottom - top) * (0.5 + MARGIN))
    x, y = (left + right) // 2, (top + bottom) // 2
    first_x, first_y = max(0, x - reach), max(0, y - reach)
    cut = np.ascontiguousarray(pixels[first_y : y + reach, first_x : x + reach])
    return cut, (left - first_x, top - first_y, right - first_x, bottom - first_y)

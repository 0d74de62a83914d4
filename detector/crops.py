"""The crops that a network sees of a picture in its standard rendition."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

# Side of a crop in pixels. The standard rendition is at most 320 x 320 and is never resampled.
CROP = 256


def spread_crops(pixels: NDArray[np.uint8], side: int = CROP) -> NDArray[np.float32]:
    """The four corners and the centre; fewer where they coincide.

    Args:
        pixels: sRGB uint8, HxWx3; a picture smaller than a crop is mirrored at its edges.
        side: of a crop, pixels.

    Returns:
        float32, n x 3 x side x side, 0..255.
    """
    pixels = mirrored(pixels, side)
    height, width = pixels.shape[:2]
    lowest, rightmost = height - side, width - side
    places = {
        (0, 0): None,
        (0, rightmost): None,
        (lowest, 0): None,
        (lowest, rightmost): None,
        (lowest // 2, rightmost // 2): None,
    }
    crops = [pixels[top : top + side, left : left + side] for top, left in places]
    return np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)


def mirrored(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture, continued by its mirror image below and to the right until it holds a crop."""
    below, right = max(0, side - pixels.shape[0]), max(0, side - pixels.shape[1])
    if not below and not right:
        return pixels
    return np.asarray(cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8)

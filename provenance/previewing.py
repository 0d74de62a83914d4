"""The small preview of a picture that its manifest holds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.encoding import encode_jpeg

LONG_EDGE = 256
"""Pixels. The preview is about 8 KB; the library's default adds 0.1 to 1.5 MB and most of the
signing time."""
QUALITY = 40


def preview(pixels: NDArray[np.uint8]) -> bytes:
    """A JPEG of sRGB uint8 pixels HxWx3, reduced to LONG_EDGE.

    For callers that have the pixels: the library would decode the whole picture again.
    """
    height, width = pixels.shape[:2]
    scale = min(1.0, LONG_EDGE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return encode_jpeg(np.asarray(small, np.uint8), QUALITY)

"""The laundering suite: what happens to pictures on their way through tools and platforms.

One named edit is a function of pixels; evaluation measures every one, training draws from the
same primitives at random strengths.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Edit = Callable[[Pixels], Pixels]

# Long sides and qualities of common messengers and networks as of 2025: 1600 px at quality
# about 75 (WhatsApp), 1080 px at about 70 (Instagram), 2048 px at about 85 (Facebook).
_SOCIAL_LONG_SIDE = 1080
_SOCIAL_QUALITY = 70


def recompress(pixels: Pixels, image_format: str, quality: int, subsampling: int = 2) -> Pixels:
    """Encode as JPEG, WebP or AVIF and decode again.

    Args:
        pixels: sRGB uint8, HxWx3.
        image_format: a format name of Pillow.
        quality: 1..100.
        subsampling: of JPEG chroma: 0 is 4:4:4, 2 is 4:2:0.
    """
    buffer = io.BytesIO()
    options = {"subsampling": subsampling} if image_format == "JPEG" else {}
    Image.fromarray(pixels).save(buffer, image_format, quality=quality, **options)
    buffer.seek(0)
    with Image.open(buffer) as decoded:
        return np.asarray(decoded.convert("RGB"))


def resize(pixels: Pixels, scale: float, interpolation: int = cv2.INTER_AREA) -> Pixels:
    """Scale both sides; at least 8 pixels remain of each."""
    height, width = pixels.shape[:2]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)


def fit_long_side(pixels: Pixels, long_side: int, interpolation: int = cv2.INTER_AREA) -> Pixels:
    """Reduce to a long side; a smaller picture stays as it is."""
    longest = max(pixels.shape[:2])
    return pixels if longest <= long_side else resize(pixels, long_side / longest, interpolation)


def screenshot(pixels: Pixels) -> Pixels:
    """Shown at 87 % by a viewer (bilinear), captured losslessly, saved as WebP."""
    return recompress(resize(pixels, 0.87, cv2.INTER_LINEAR), "WEBP", 88)


def social(pixels: Pixels) -> Pixels:
    """Uploaded to a network, downloaded, and forwarded by a messenger."""
    once = recompress(fit_long_side(pixels, _SOCIAL_LONG_SIDE), "JPEG", _SOCIAL_QUALITY)
    return recompress(resize(once, 0.9, cv2.INTER_CUBIC), "JPEG", 75)


CONDITIONS: Mapping[str, Edit] = MappingProxyType(
    {
        "none": lambda pixels: pixels,
        "jpeg-90": lambda pixels: recompress(pixels, "JPEG", 90),
        "jpeg-70": lambda pixels: recompress(pixels, "JPEG", 70),
        "jpeg-50": lambda pixels: recompress(pixels, "JPEG", 50),
        "webp-80": lambda pixels: recompress(pixels, "WEBP", 80),
        "resize-0.75": lambda pixels: resize(pixels, 0.75),
        "resize-0.5": lambda pixels: resize(pixels, 0.5),
        "screenshot": screenshot,
        "social": social,
    }
)
"""The named edits that robustness is measured under."""

"""Random deliveries: overwrite the processing history of a picture with a random one.

Both classes draw from the same distribution, so that resampling, compression, contrast and
saturation of a collection cannot tell its class.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import recompress
from assay.detector.neutralisation import STANDARD, Rendition, neutralise, reduce

Pixels = NDArray[np.uint8]

_INTERPOLATIONS = (cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)
# The shortest and longest long side a delivered picture is drawn with; the standard rendition
# reduces what is longer than its own.
_LONG_SIDES = (440, 1100)
# A picture is never enlarged by more: enlargement leaves a trace that small originals would
# carry more often than large ones.
_MOST_ENLARGED = 1.15
_CLOSE_UP = 0.3


def deliver(pixels: Pixels, rng: np.random.Generator, rendition: Rendition = STANDARD) -> Pixels:
    """A random delivery of a picture in its standard rendition.

    Args:
        pixels: the original, sRGB uint8, HxWx3.
        rng: source of all randomness.
        rendition: what the delivered picture is finally brought to.

    Returns:
        sRGB uint8, as `neutralise` gives it.
    """
    if rng.random() < 0.4:
        pixels = recompress("JPEG", int(rng.integers(50, 97)))(pixels, rng)
    pixels = _rescale(pixels, rng)
    if rng.random() < 0.25:
        pixels = _rescale(pixels, rng)
    pixels = _random_crop(pixels, rng, rendition)
    pixels = _retouch(pixels, rng)
    draw = rng.random()
    if draw < 0.7:
        pixels = recompress("JPEG", int(rng.integers(55, 97)))(pixels, rng)
    elif draw < 0.85:
        pixels = recompress("WEBP", int(rng.integers(55, 96)))(pixels, rng)
    return neutralise(pixels, rendition)


def _rescale(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    longest = max(pixels.shape[:2])
    target = np.exp(rng.uniform(*np.log(_LONG_SIDES)))
    scale = min(target / longest, _MOST_ENLARGED)
    # Below half size only area averaging avoids aliasing.
    interpolation = _INTERPOLATIONS[0] if scale < 0.5 else int(rng.choice(_INTERPOLATIONS))
    return _resize(pixels, scale, interpolation)


def _random_crop(pixels: Pixels, rng: np.random.Generator, rendition: Rendition) -> Pixels:
    """Reduce to the standard field of view, cut at a random place, mirror half of the time.

    Some pictures arrive as crops of something larger: these keep the delivered scale.
    """
    longest = max(pixels.shape[:2])
    if longest > rendition.long_side and rng.random() > _CLOSE_UP:
        pixels = reduce(pixels, rendition.long_side)
    height, width = pixels.shape[:2]
    top = int(rng.integers(0, max(1, height - rendition.crop + 1)))
    left = int(rng.integers(0, max(1, width - rendition.crop + 1)))
    pixels = pixels[top : top + rendition.crop, left : left + rendition.crop]
    return np.ascontiguousarray(pixels[:, ::-1] if rng.random() < 0.5 else pixels)


def _retouch(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Blur or sharpen a little, change tone and saturation, add noise."""
    values: NDArray[np.float32] = pixels.astype(np.float32)
    draw = rng.random()
    if draw < 0.2:
        values = _blur(values, rng.uniform(0.3, 0.9))
    elif draw < 0.4:
        values += rng.uniform(0.2, 0.9) * (values - _blur(values, rng.uniform(0.6, 1.5)))
    if rng.random() < 0.6:
        values = np.asarray(
            255 * (np.clip(values, 0, 255) / 255) ** rng.uniform(0.75, 1.35), np.float32
        )
        mean = values.mean()
        values = mean + (values - mean) * rng.uniform(0.75, 1.25)
        grey = values.mean(2, keepdims=True)
        values = grey + (values - grey) * rng.uniform(0.6, 1.3)
    if rng.random() < 0.25:
        channels = 3 if rng.random() < 0.5 else 1
        noise = rng.normal(0, rng.uniform(0.5, 3.0), (*values.shape[:2], channels))
        values += noise.astype(np.float32)
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def _blur(values: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma), np.float32)


def _resize(pixels: Pixels, scale: float, interpolation: int) -> Pixels:
    height, width = pixels.shape[:2]
    size = (max(8, round(width * scale)), max(8, round(height * scale)))
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)

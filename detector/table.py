"""A corpus as the detector sees it: measured pictures, column by column."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.labels import Labelled
from assay.media import Media

Pixels = NDArray[np.uint8]

# A shorter picture cannot be brought to the field of view of the others.
MIN_LONG_SIDE = 400

STATISTICS = ("contrast", "gradient", "brightness", "saturation")
METADATA = ("jpeg", "png", "webp", "width", "height", "pixels", "bytes-per-pixel", "aspect")


@dataclass(frozen=True)
class Example:
    """One measured picture.

    Attributes:
        row: its line in the manifest.
        features: float32, views x features.
        statistics: the single statistics of `STATISTICS`, of the standard rendition.
        metadata: what the file says without its pixels, `METADATA`.
    """

    row: Row
    features: NDArray[np.float32]
    statistics: NDArray[np.float32]
    metadata: NDArray[np.float32]


@dataclass(frozen=True)
class Refusal:
    """A picture that could not be measured, and why."""

    row: Row
    why: str


@dataclass(frozen=True)
class Table(Labelled):
    """Measured pictures, column by column.

    Attributes:
        rows: n manifest rows.
        features: float32, n x views x features; view 0 is the standard rendition.
        statistics: n x len(STATISTICS).
        metadata: n x len(METADATA).
        views: name of each view.
        refused: what could not be measured.
    """

    rows: tuple[Row, ...]
    features: NDArray[np.float32]
    statistics: NDArray[np.float32]
    metadata: NDArray[np.float32]
    views: tuple[str, ...]
    refused: tuple[Refusal, ...]


def statistics_of(pixels: Pixels) -> NDArray[np.float32]:
    """Contrast, mean gradient, brightness and saturation of a picture, grey levels."""
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gradient = np.abs(np.diff(grey, axis=1)).mean() if grey.shape[1] > 1 else 0.0
    saturation = cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV)[..., 1].mean()
    return np.array([grey.std(), gradient, grey.mean(), saturation], np.float32)


def metadata_of(media: Media) -> NDArray[np.float32]:
    """What a classifier could use without looking at any pixel."""
    formats = [media.media_type == f"image/{name}" for name in ("jpeg", "png", "webp")]
    area = media.width * media.height
    size = [media.width, media.height, area, media.size / area, media.width / media.height]
    return np.array([*formats, *size], np.float32)

"""What blending leaves behind: steps in colour and fine detail along the outline of a face.

A face that was photographed in its picture has the same noise, sharpness and white balance as
the skin, hair and background around it; a blended one need not (Li et al., "Face X-ray", CVPR
2020, section 3.1). Every feature compares neighbouring zones, so the level itself is out.
"""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.crops import FaceCrop

FACE_FEATURE_VERSION = 1

Plane = NDArray[np.float32]

# Half axes of the face outline as shares of the box side.
_HALF_AXES = (0.46, 0.52)
_RINGS = np.array([0.0, 0.45, 0.7, 0.9, 1.1, 1.35, 1.7])
_SECTORS = 6
_BANDS = np.array([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0])
_SIGMAS = (0.0, 0.7, 1.4, 2.8)
_EDGE_SIGMAS = (1.0, 3.0)
_CHANNELS = ("luma", "blue", "red")
_SMALLEST_ZONE = 12  # pixels

_STATISTICS = (
    [f"level-{c}" for c in _CHANNELS]
    + [f"detail-{c}-{k}" for c in _CHANNELS for k in range(len(_SIGMAS) - 1)]
    + [f"slope-{c}-{k}" for c in _CHANNELS for k in range(len(_SIGMAS) - 2)]
)
_STEPS = len(_RINGS) - 2
_BAND_STEPS = len(_BANDS) - 2

NAMES: tuple[str, ...] = (
    *(
        f"ring/{s}-{k}-{what}"
        for s in _STATISTICS
        for k in range(_STEPS)
        for what in ("mean", "size", "spread")
    ),
    *(
        f"band/{s}-{k}-{what}"
        for s in _STATISTICS
        for k in range(_BAND_STEPS)
        for what in ("mean", "size")
    ),
    *(
        f"edge/{c}-{sigma}-{k}"
        for sigma in _EDGE_SIGMAS
        for c in _CHANNELS
        for k in range(len(_RINGS) - 1)
    ),
)
"""Name of each feature, in the order of the vector."""


def extract(crop: FaceCrop) -> NDArray[np.float32]:
    """The features of a face.

    Returns:
        float32, len(NAMES), finite.
    """
    channels = _channels(crop.pixels)
    radius, angle, height = _coordinates(crop)
    ring = np.digitize(radius, _RINGS) - 1
    sector = np.minimum(((angle / (2 * np.pi) + 0.5) * _SECTORS).astype(int), _SECTORS - 1)
    zone = np.where(ring < len(_RINGS) - 1, ring * _SECTORS + sector, -1)
    by_zone = _zone_statistics(channels, zone, (len(_RINGS) - 1) * _SECTORS)
    steps = np.diff(by_zone.reshape(len(_STATISTICS), -1, _SECTORS), axis=1)
    band = np.where((radius < 0.95) & (np.abs(height) < 1), np.digitize(height, _BANDS) - 1, -1)
    by_band = np.diff(_zone_statistics(channels, band, len(_BANDS) - 1), axis=1)
    values = [
        _summary(steps),
        np.nan_to_num(np.stack([by_band, np.abs(by_band)], -1)).ravel(),
        _edges(channels, crop, ring),
    ]
    return np.concatenate(values).astype(np.float32)


def _channels(pixels: NDArray[np.uint8]) -> list[Plane]:
    """Luma and the colour differences blue - luma and red - luma."""
    rgb = pixels.astype(np.float32)
    luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    return [luma, rgb[..., 2] - luma, rgb[..., 0] - luma]


def _coordinates(crop: FaceCrop) -> tuple[Plane, Plane, Plane]:
    """Elliptical radius (1 on the outline), angle, and height (-1 brow, 1 chin) of each pixel."""
    rows, columns = np.mgrid[: crop.pixels.shape[0], : crop.pixels.shape[1]].astype(np.float32)
    x = (columns - crop.centre[0]) / (_HALF_AXES[0] * crop.side)
    y = (rows - crop.centre[1]) / (_HALF_AXES[1] * crop.side)
    return np.hypot(x, y), np.arctan2(y, x), y


def _zone_statistics(
    channels: list[Plane], zone: NDArray[np.int64], zones: int
) -> NDArray[np.float64]:
    """len(_STATISTICS) x zones; NaN where a zone lies outside the picture."""
    inside = zone >= 0
    index = zone[inside]
    count = np.bincount(index, minlength=zones)

    def mean(plane: Plane) -> NDArray[np.float64]:
        total = np.bincount(index, weights=plane[inside], minlength=zones)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(count >= _SMALLEST_ZONE, total / count, np.nan)

    levels = [mean(plane) / 10 for plane in channels]
    details = [[np.log(mean(np.abs(band)) + 0.1) for band in _bands(c)] for c in channels]
    slopes = [finer - coarser for bands in details for finer, coarser in pairwise(bands)]
    return np.stack([*levels, *(band for bands in details for band in bands), *slopes])


def _bands(plane: Plane) -> list[Plane]:
    smooth = [cv2.GaussianBlur(plane, (0, 0), s) if s else plane for s in _SIGMAS]
    return [np.asarray(a - b, np.float32) for a, b in pairwise(smooth)]


def _summary(steps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean step over the sectors, its size, and how much the sectors differ.

    A blended outline is one step all around; a natural one differs from side to side.
    """
    known = np.isfinite(steps)
    count = np.maximum(known.sum(2), 1)
    filled = np.where(known, steps, 0.0)
    mean = filled.sum(2) / count
    spread = np.sqrt((np.where(known, filled - mean[..., None], 0.0) ** 2).sum(2) / count)
    return np.stack([mean, np.abs(mean), spread], -1).ravel()


def _edges(channels: list[Plane], crop: FaceCrop, ring: NDArray[np.int64]) -> NDArray[np.float64]:
    """Gradient across the outline over gradient along it, log, by ring."""
    rows, columns = np.mgrid[: crop.pixels.shape[0], : crop.pixels.shape[1]].astype(np.float32)
    x = (columns - crop.centre[0]) / _HALF_AXES[0] ** 2
    y = (rows - crop.centre[1]) / _HALF_AXES[1] ** 2
    norm = np.hypot(x, y) + 1e-6
    x, y = x / norm, y / norm
    values = []
    for sigma in _EDGE_SIGMAS:
        for plane in channels:
            smooth = np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)
            down, right = np.gradient(smooth)
            across, along = np.abs(right * x + down * y), np.abs(down * x - right * y)
            for k in range(len(_RINGS) - 1):
                mine = ring == k
                if mine.sum() < _SMALLEST_ZONE:
                    values.append(0.0)
                    continue
                ratio = (across[mine].mean() + 0.05) / (along[mine].mean() + 0.05)
                values.append(float(np.log(ratio)))
    return np.array(values)

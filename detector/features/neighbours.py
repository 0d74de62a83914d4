"""Neighbouring-pixel relations: periods of up-sampling, local binary patterns.

Nearest-neighbour and strided up-sampling make pixel pairs of one phase more alike than those of
the next (Tan et al., CVPR 2024, "NPR", section 3); local binary patterns are the ordinal form
of the same relations and do not see contrast (Ojala et al., IEEE TPAMI 2002, section 2).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features.tiling import Plane, TiledPicture, Tiles, count_codes

PERIODS = (2, 4, 8)
RADII = (1, 2, 4)
_CIRCLE = 8
# Differences under this many grey levels count as equal: JPEG rounding is not texture.
_TOLERANCE = 1.0

_DIRECTIONS = ("across", "down")


def _rotation_invariant() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Class of each 8-bit pattern under rotation of the circle, and the class sizes."""
    smallest = [
        min(pattern >> turn | (pattern << _CIRCLE - turn) & 255 for turn in range(_CIRCLE))
        for pattern in range(1 << _CIRCLE)
    ]
    _, index, size = np.unique(smallest, return_inverse=True, return_counts=True)
    return index.astype(np.uint8), size.astype(float)


_CLASS, _SIZE = _rotation_invariant()
_PLANES = ("luma", "red-blue")
NAMES = (
    [
        f"phase-{period}-{way}-{what}"
        for way in _DIRECTIONS
        for period in PERIODS
        for what in ("deviation", "peak")
    ]
    + [f"equal-{way}" for way in _DIRECTIONS]
    + [
        f"pattern-{plane}-{radius}-{i}"
        for plane in _PLANES
        for radius in RADII
        for i in range(len(_SIZE))
    ]
)


def measure(picture: TiledPicture) -> NDArray[np.float32]:
    """Feature group `neighbours`, n tiles x len(NAMES)."""
    luma = picture.luma
    across = np.abs(np.diff(luma, axis=1, append=luma[:, -1:]))
    down = np.abs(np.diff(luma, axis=0, append=luma[-1:]))
    phases, equal = [], []
    for plane, axis in ((across, 1), (down, 2)):
        tiles = picture.tiles(plane)
        phases.append(_phases(tiles, axis))
        equal.append((tiles < _TOLERANCE).mean((1, 2))[:, None])
    chroma = np.asarray(picture.rgb[..., 0] - picture.rgb[..., 2], np.float32)
    patterns = [_patterns(picture, plane, radius) for plane in (luma, chroma) for radius in RADII]
    return np.concatenate(phases + equal + patterns, 1).astype(np.float32)


def _phases(tiles: Tiles, axis: int) -> NDArray[np.float64]:
    """Spread and largest excess of the mean difference over its phases, for each period."""
    profile = tiles.mean(axis, dtype=np.float64)
    mean = profile.mean(1) + 1e-3
    columns = []
    for period in PERIODS:
        phase = np.stack([profile[:, i::period].mean(1) for i in range(period)], 1)
        columns += [phase.std(1) / mean, phase.max(1) / mean - 1]
    return np.stack(columns, 1)


def _patterns(picture: TiledPicture, plane: Plane, radius: int) -> NDArray[np.float64]:
    """Log shares of the rotation-invariant binary patterns on a circle of 8 points."""
    plane = np.asarray(cv2.GaussianBlur(plane, (0, 0), 0.5 * radius), np.float32)
    height, width = plane.shape
    padded = cv2.copyMakeBorder(plane, radius, radius, radius, radius, cv2.BORDER_REFLECT_101)
    diagonal = max(1, round(radius * np.sqrt(0.5)))
    steps = [(0, radius), (diagonal, diagonal), (radius, 0), (diagonal, -diagonal)]
    steps += [(-y, -x) for y, x in steps]
    code = np.zeros((height, width), np.uint8)
    for bit, (y, x) in enumerate(steps):
        there = padded[radius + y : radius + y + height, radius + x : radius + x + width]
        code |= ((there > plane + _TOLERANCE).astype(np.uint8)) << bit
    tiles = picture.tiles(_CLASS[code].astype(np.float32))
    counts = count_codes(tiles, len(_SIZE))
    shares: NDArray[np.float64] = np.log(counts / counts.sum(1, keepdims=True) / _SIZE + 1e-5)
    return shares

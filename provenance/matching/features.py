"""Local features: ORB keypoints spread over a grid, packed small (frozen as `_v0`).

Rublee et al., "ORB: an efficient alternative to SIFT or SURF", ICCV 2011. Keeping the
strongest keypoints of each grid cell instead of the strongest overall is what makes captions
and screenshots verifiable: text and interface elements otherwise take every place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.normalising import LONGEST_SIDE

STORED_FEATURES = 300  # a work: 10.8 kB
GRID = 8
COORDINATE_SCALE = 64  # stored as 1/64 pixel: 512 pixels fit into 16 bits
_RECORD = np.dtype([("x", "<u2"), ("y", "<u2"), ("code", "u1", (32,))])

_CANDIDATES = 4000
_LEVELS = 6  # of the pyramid, each 1.2 times coarser
_EDGE = 15  # pixels; descriptors need this much surrounding
_FAST_THRESHOLD = 7  # low, so that soft pictures still give keypoints


@dataclass(frozen=True)
class Features:
    """Keypoints of one picture.

    Attributes:
        points: float32 Nx2, (x, y) in pixels of the picture at a longest side of 512.
        codes: uint8 Nx32, the 256-bit ORB descriptors.
    """

    points: NDArray[np.float32]
    codes: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def words(self) -> NDArray[np.uint64]:
        """The descriptors as Nx4 words."""
        return np.ascontiguousarray(self.codes).view("<u8").reshape(-1, 4)

    def pack(self) -> bytes:
        """36 bytes a keypoint."""
        records = np.zeros(len(self), _RECORD)
        scaled = np.clip(np.rint(self.points * COORDINATE_SCALE), 0, 65535).astype(np.uint16)
        records["x"], records["y"], records["code"] = scaled[:, 0], scaled[:, 1], self.codes
        return records.tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> Features:
        """The inverse of `pack`, to 1/64 pixel."""
        records = np.frombuffer(data, _RECORD)
        points = np.stack([records["x"], records["y"]], axis=1).astype(np.float32)
        return cls(points / np.float32(COORDINATE_SCALE), np.ascontiguousarray(records["code"]))


NO_FEATURES = Features(np.zeros((0, 2), np.float32), np.zeros((0, 32), np.uint8))


class Keypoints:
    """The keypoints of one picture, from which its mirror image and negative have theirs.

    Args:
        luma: float32, 0..255, any size; points are returned at a longest side of 512.
        count: the strongest so many, taken in turn from grid x grid cells.
    """

    def __init__(
        self, luma: NDArray[np.float32], *, count: int = STORED_FEATURES, grid: int = GRID
    ) -> None:
        self._image = np.clip(np.rint(luma), 0, 255).astype(np.uint8)
        self._orb = cv2.ORB.create(
            nfeatures=_CANDIDATES,
            scaleFactor=1.2,
            nlevels=_LEVELS,
            edgeThreshold=_EDGE,
            fastThreshold=_FAST_THRESHOLD,
        )
        found = self._orb.detect(self._image, None)
        self._keypoints: list[cv2.KeyPoint] = []
        if found:
            chosen = _spread(found, self._image.shape[:2], count, grid)
            self._keypoints = [found[i] for i in chosen]

    def features(self, *, mirrored: bool = False, inverted: bool = False) -> Features:
        """Descriptors of the picture, its mirror image or its negative.

        Both have the same corners: where they look is reflected, or turned around.
        """
        image, keypoints = self._image, self._keypoints
        if mirrored:
            image = np.ascontiguousarray(image[:, ::-1])
            keypoints = [_reflected(point, image.shape[1]) for point in keypoints]
        if inverted:
            image = 255 - image
            keypoints = [_turned_around(point) for point in keypoints]
        if not keypoints:
            return NO_FEATURES
        described, codes = self._orb.compute(image, keypoints)
        if codes is None or not len(codes):
            return NO_FEATURES
        points = cv2.KeyPoint.convert(described)
        to_512 = np.float32(LONGEST_SIDE / max(image.shape))
        return Features(np.asarray(points, np.float32) * to_512, np.asarray(codes, np.uint8))


def features_v0(luma: NDArray[np.float32]) -> Features:
    """What is stored of a work: the features of its normalised luma."""
    return Keypoints(luma).features()


def _reflected(point: cv2.KeyPoint, width: int) -> cv2.KeyPoint:
    return cv2.KeyPoint(
        x=width - 1 - point.pt[0],
        y=point.pt[1],
        size=point.size,
        angle=(180 - point.angle) % 360,
        response=point.response,
        octave=point.octave,
        class_id=point.class_id,
    )


def _turned_around(point: cv2.KeyPoint) -> cv2.KeyPoint:
    return cv2.KeyPoint(
        x=point.pt[0],
        y=point.pt[1],
        size=point.size,
        angle=(point.angle + 180) % 360,
        response=point.response,
        octave=point.octave,
        class_id=point.class_id,
    )


def _spread(
    keypoints: Sequence[cv2.KeyPoint], shape: tuple[int, ...], count: int, grid: int
) -> NDArray[np.intp]:
    """Indices of the keypoints that rank first within their cells."""
    points = np.asarray(cv2.KeyPoint.convert(keypoints), np.float32)
    strength = np.array([point.response for point in keypoints])
    height, width = shape
    columns = np.minimum(points[:, 0] * grid // width, grid - 1)
    rows = np.minimum(points[:, 1] * grid // height, grid - 1)
    cell = (rows * grid + columns).astype(np.intp)
    order = np.lexsort((-strength, cell))
    in_cell = cell[order]
    starts = np.flatnonzero(np.diff(np.concatenate([[-1], in_cell])))
    sizes = np.diff(np.concatenate([starts, [len(in_cell)]]))
    rank = np.arange(len(order)) - np.repeat(starts, sizes)
    by_rank = np.lexsort((-strength[order], rank))
    return order[by_rank[:count]]

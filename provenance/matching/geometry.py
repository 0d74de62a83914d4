"""Does one picture lie inside the other? RANSAC over matched local features.

The chance that unrelated keypoints agree this well is bounded a contrario: Moisan & Stival,
"A probabilistic criterion to detect rigid point matches between two images", IJCV 2004. They
let a wrong pair fall anywhere in the picture. Keypoints crowd, so here it falls on one of the
work's own places.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.compiled import compiled
from assay.provenance.matching.content_boxes import Box
from assay.provenance.matching.features import Features
from assay.provenance.matching.hamming import popcount

MOST_DIFFERING_BITS = 64  # of a descriptor's 256: farther ones are not the same keypoint
INLIER_PIXELS = 4.0  # at a longest side of 512
UNIQUE_PIXELS = 3.0  # inliers nearer to each other than this count once
ACCEPTED_INLIERS = 10
# Faces in the same pose, one product photographed twice and type of one font reached 20 places
# over up to 0.36 of what is shown; copies under all edits but insets have more of either
# (docs/explanation/matching.md).
FIRM_INLIERS = 24
FIRM_COVERAGE = 0.4
# Small things before an empty ground lie in two or three cells, all of which a wrong transform
# covers as it shrinks the query onto them.
FIRM_CELLS = 4
SMALLEST_SCALE, LARGEST_SCALE = 0.15, 7.0
MOST_STRETCHED = 2.0  # of one axis against the other
CONFIDENCE = 0.99
COVERAGE_GRID = 8
# OpenCV's RANSAC draws from one generator a thread; the same seed gives the same answer.
_SEED = 7


@dataclass(frozen=True)
class Alignment:
    """How a query maps onto a work, and how sure that is.

    Attributes:
        transform: 2x3, query points to work points, both at a longest side of 512.
        inliers: keypoints that agree, counted once a place on both sides.
        matches: keypoints that were paired at all.
        coverage: share of the work's textured area inside the query that agrees, 0..1.
        cells: of an 8x8 grid over the work, those that agree.
        log10_chance: log10 of the expected number of such agreements by chance.
        box: of the work that the query shows, (left, top, right, bottom) as fractions.
        query_box: of the query that shows the work, likewise.
    """

    transform: tuple[tuple[float, float, float], tuple[float, float, float]]
    inliers: int
    matches: int
    coverage: float
    cells: int
    log10_chance: float
    box: Box
    query_box: Box

    @property
    def accepted(self) -> bool:
        """More agreement than chance gives: something in both pictures is the same."""
        return self.inliers >= ACCEPTED_INLIERS and self.log10_chance < 0

    @property
    def firm(self) -> bool:
        """So much that the pictures are the same, not only an object, a face or a layout."""
        covered = self.coverage >= FIRM_COVERAGE and self.cells >= FIRM_CELLS
        return self.accepted and (self.inliers >= FIRM_INLIERS or covered)


def align(
    query: Features,
    work: Features,
    *,
    query_size: tuple[int, int],
    work_size: tuple[int, int],
) -> Alignment | None:
    """Fit a transform from query to work, or None when nothing agrees.

    A similarity is tried first; where it is not accepted an affine transform, for copies that
    were stretched.

    Args:
        query_size, work_size: (width, height), of any scale; only the ratio is used.
    """
    if min(len(query), len(work)) < ACCEPTED_INLIERS:
        return None
    nearest, bits = _nearest(query.words, work.words)
    paired = np.flatnonzero(bits <= MOST_DIFFERING_BITS)
    if len(paired) < ACCEPTED_INLIERS:
        return None
    pairs = Pairs(
        query.points[paired],
        work.points[nearest[paired]],
        work.points,
        _at_512(query_size),
        _at_512(work_size),
    )
    best = None
    for model in (SIMILARITY, AFFINE):
        found = _fit(pairs, model)
        if found is not None and (best is None or found.inliers > best.inliers):
            best = found
        if best is not None and best.accepted:
            break
    return best


@dataclass(frozen=True)
class Model:
    """A family of transforms: how OpenCV fits it and how many pairs fix one."""

    fit: Callable[..., tuple[Any, Any]]
    sample: int
    iterations: int


SIMILARITY = Model(cv2.estimateAffinePartial2D, sample=2, iterations=500)
AFFINE = Model(cv2.estimateAffine2D, sample=3, iterations=1000)


class Pairs(NamedTuple):
    """Paired keypoints (float32 Nx2 each), all of the work's, and both sizes at 512."""

    here: NDArray[np.float32]
    there: NDArray[np.float32]
    keypoints: NDArray[np.float32]
    query_size: tuple[float, float]
    work_size: tuple[float, float]


def _fit(pairs: Pairs, model: Model) -> Alignment | None:
    cv2.setRNGSeed(_SEED)
    fitted, mask = model.fit(
        pairs.here,
        pairs.there,
        method=cv2.RANSAC,
        ransacReprojThreshold=INLIER_PIXELS,
        maxIters=model.iterations,
        confidence=CONFIDENCE,
    )
    if fitted is None or not np.isfinite(fitted).all():
        return None
    transform = np.asarray(fitted, np.float64)
    largest, smallest = np.linalg.svd(transform[:, :2], compute_uv=False)
    if smallest < SMALLEST_SCALE or largest > LARGEST_SCALE:
        return None
    if largest > MOST_STRETCHED * smallest or np.linalg.det(transform[:, :2]) <= 0:
        return None
    agree = mask.ravel().astype(bool)
    inliers = min(len(places(pairs.here[agree])), len(places(pairs.there[agree])))
    coverage, cells = _covered(pairs, pairs.there[agree], transform)
    return Alignment(
        transform=tuple(tuple(float(v) for v in row) for row in transform),  # type: ignore[arg-type]
        inliers=inliers,
        matches=len(pairs.here),
        coverage=coverage,
        cells=cells,
        log10_chance=log10_chance(inliers, len(pairs.here), _chance_near(pairs), model.sample),
        box=_box(transform, pairs.query_size, pairs.work_size),
        query_box=_box(
            np.asarray(cv2.invertAffineTransform(transform), np.float64),
            pairs.work_size,
            pairs.query_size,
        ),
    )


def log10_chance(inliers: int, matches: int, near: float, sample: int = 2) -> float:
    """log10 of the expected number of transforms with this many inliers by chance.

    Args:
        near: chance that a wrong pair agrees with a given transform, above 0.
        sample: pairs that fix a transform.
    """
    if inliers <= sample or matches <= sample:
        return math.log10(max(1, matches))
    return (
        math.log10(matches - sample)
        + _log10_choose(matches, inliers)
        + _log10_choose(inliers, sample)
        + (inliers - sample) * math.log10(near)
    )


def _chance_near(pairs: Pairs) -> float:
    """Chance that a wrong pair lands within `INLIER_PIXELS` of where a transform takes it.

    Spread evenly that would be the share of the area. Of most works 0.3 to 1 % of the pairs of
    places are so near, ten to forty times as many.
    """
    width, height = pairs.work_size
    even = math.pi * INLIER_PIXELS**2 / (width * height)
    return min(1.0, max(even, share_near(places(pairs.keypoints))))


def _log10_choose(n: int, k: int) -> float:
    return (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(10)


def places(points: NDArray[np.float32]) -> NDArray[np.int64]:
    """Keypoints (Nx2, pixels at 512) counted once a place: Mx2, in units of `UNIQUE_PIXELS`."""
    found: NDArray[np.int64] = np.unique((points / UNIQUE_PIXELS).astype(np.int64), axis=0)
    return found


def _at_512(size: tuple[int, int]) -> tuple[float, float]:
    scale = 512 / max(size)
    return size[0] * scale, size[1] * scale


def _covered(
    pairs: Pairs, inliers: NDArray[np.float32], transform: NDArray[np.float64]
) -> tuple[float, int]:
    """Of the grid cells with keypoints that the query shows, those with an inlier: share, count."""
    inverse = cv2.invertAffineTransform(transform)
    back = pairs.keypoints @ inverse[:, :2].T + inverse[:, 2]
    width, height = pairs.query_size
    shown = (back >= 0).all(1) & (back[:, 0] <= width) & (back[:, 1] <= height)
    cells = _cells(pairs.keypoints[shown], pairs.work_size)
    if not len(cells):
        return 0.0, 0
    agreeing = len(np.intersect1d(cells, _cells(inliers, pairs.work_size)))
    return agreeing / len(cells), agreeing


def _cells(points: NDArray[np.float32], size: tuple[float, float]) -> NDArray[np.int64]:
    grid = np.clip(points * COVERAGE_GRID // np.array(size), 0, COVERAGE_GRID - 1).astype(np.int64)
    cells: NDArray[np.int64] = np.unique(grid[:, 1] * COVERAGE_GRID + grid[:, 0])
    return cells


def _box(
    transform: NDArray[np.float64], from_size: tuple[float, float], to_size: tuple[float, float]
) -> Box:
    """What of a picture the other, laid onto it, covers: the box around it."""
    width, height = from_size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)])
    mapped = (corners @ transform[:, :2].T + transform[:, 2]) / np.array(to_size)
    low, high = np.clip(mapped.min(0), 0, 1), np.clip(mapped.max(0), 0, 1)
    return tuple(round(float(v), 4) for v in (*low, *high))  # type: ignore[return-value]


@compiled
def share_near(found: NDArray[np.int64]) -> float:
    """Of the pairs among some places (Mx2), the share within `INLIER_PIXELS`."""
    most = (INLIER_PIXELS / UNIQUE_PIXELS) ** 2
    near = 0
    for i in range(len(found)):
        for j in range(i):
            across = found[i, 0] - found[j, 0]
            down = found[i, 1] - found[j, 1]
            near += across * across + down * down <= most
    return 2 * near / max(1, len(found) * (len(found) - 1))


@compiled
def _nearest(
    queries: NDArray[np.uint64], works: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each query descriptor the nearest of the work and the bits in which they differ."""
    nearest = np.zeros(len(queries), np.int64)
    bits = np.full(len(queries), 257, np.int64)
    for i in range(len(queries)):
        for j in range(len(works)):
            differing = (
                popcount(queries[i, 0] ^ works[j, 0])
                + popcount(queries[i, 1] ^ works[j, 1])
                + popcount(queries[i, 2] ^ works[j, 2])
                + popcount(queries[i, 3] ^ works[j, 3])
            )
            if differing < bits[i]:
                bits[i] = differing
                nearest[i] = j
    return nearest, bits

"""The half of detector A that compares: how alike a picture's features are to landmark pictures.

A Gaussian kernel for each feature group, averaged over the groups (kernel ridge regression with
Nystroem landmarks: Williams and Seeger, NIPS 2000). Its evidence is bounded: a photograph that is
far from all landmarks in one group gains nothing there, while a linear score grows with the
distance. Landmarks are features of training pictures; no pixels are kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.features import GROUPS

Matrix = NDArray[np.float64]
Single = NDArray[np.float32]

GROUP_NAMES: tuple[str, ...] = tuple(dict.fromkeys(GROUPS))
_COLUMNS = {
    group: slice(GROUPS.index(group), GROUPS.index(group) + GROUPS.count(group))
    for group in GROUP_NAMES
}


@dataclass(frozen=True)
class Metric:
    """When two pictures count as alike in a feature group.

    Attributes:
        centre: of the standardised, clipped features, d.
        whitening: d x d, a block for each group; directions in which collections of one class
            differ are shrunk, and a distance of 1 divides the similarity by e.
    """

    centre: Single
    whitening: Single

    def place(self, clipped: Matrix) -> Single:
        """Coordinates in which distances are taken; n x d."""
        centred = clipped.astype(np.float32) - self.centre
        return np.concatenate(
            [centred[:, span] @ self.whitening[span, span] for span in _COLUMNS.values()], 1
        )


def similarities(one: Single, other: Single) -> Single:
    """Similarity 0..1 in each feature group, of placed pictures n x d and k x d.

    Returns:
        groups x n x k.
    """
    found = []
    for span in _COLUMNS.values():
        a, b = one[:, span], other[:, span]
        square = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
        found.append(np.exp(-np.maximum(square, 0)))
    return np.stack(found)


@dataclass(frozen=True)
class Similarity:
    """A fitted committee on similarities to landmarks.

    Attributes:
        metric: where pictures lie.
        landmarks: placed training pictures, k x d.
        weights: B x k, one row for each committee member.
        bias: B.
        baseline: what each feature group adds for the average training picture, groups.
    """

    metric: Metric
    landmarks: Single
    weights: Matrix
    bias: Matrix
    baseline: Matrix

    def members(self, clipped: Matrix) -> Matrix:
        """Score by each member; standardised, clipped features n x d, result n x B."""
        found: Matrix = self._similar(clipped).mean(0) @ self.weights.T + self.bias
        return found

    def contributions(self, clipped: Matrix) -> dict[str, float]:
        """What each feature group adds to the score beyond the average picture; features d."""
        similar = self._similar(clipped[None])[:, 0]
        added = similar @ self.weights.mean(0) / len(GROUP_NAMES) - self.baseline
        return dict(zip(GROUP_NAMES, added.tolist(), strict=True))

    def _similar(self, clipped: Matrix) -> Single:
        return similarities(self.metric.place(clipped), self.landmarks)

"""Fitting the comparing half of detector A: a metric, landmarks, and a committee on them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from assay.detector.features import GROUPS
from assay.detector.similarity import (
    GROUP_NAMES,
    Matrix,
    Metric,
    Similarity,
    Single,
    similarities,
)
from assay.detector.table import Table
from assay.detector.training.fitting import (
    Committee,
    Recipe,
    draws,
    fit,
    group_means,
    group_moments,
    group_weights,
    solve,
)

# More landmarks raise the figures by less than their interval, and cost megabytes.
LANDMARKS = 800
# The standard rendition and one random delivery: more deliveries crowd the landmarks with
# pictures that no longer show what generation leaves.
VIEWS = 2
# Squared distances are measured in this many times the median between landmarks.
_WIDTH = 2.0
_RIDGE = 3e-4
_SMALLEST_EIGENVALUE = 1e-6


@dataclass(frozen=True)
class BothHalves:
    """A fitted linear committee and a fitted similarity; the score is their mean."""

    committee: Committee
    similarity: Similarity

    def scores(self, features: NDArray[np.float32]) -> Matrix:
        """Mean score of the members for features n x d."""
        clipped = self.committee.clipped(features)
        both: Matrix = (
            self.committee.scores(features) + self.similarity.members(clipped).mean(1)
        ) / 2
        return both


def fit_both(table: Table, index: NDArray[np.int64], recipe: Recipe) -> BothHalves:
    """Fit both halves on the given rows of the table."""
    committee = fit(table, index, recipe)
    return BothHalves(committee, fit_similarity(table, index, committee, recipe))


def fit_similarity(
    table: Table, index: NDArray[np.int64], committee: Committee, recipe: Recipe
) -> Similarity:
    """Fit on the given rows, their first `VIEWS` views.

    Args:
        table: measured pictures.
        index: rows to fit on.
        committee: the linear half, fitted on the same rows; its standardisation is shared, and
            its members see the same draws of groups.
        recipe: of the linear half; the metric shrinks what its two penalties shrink.
    """
    seen = table.features[index, :VIEWS]
    views = seen.shape[1]
    clipped = committee.clipped(seen.reshape(-1, seen.shape[2]))
    generated = np.repeat(table.generated[index], views)
    groups = np.repeat(table.groups[index], views)
    weight = group_weights(groups, generated, recipe.group_power)
    rng = np.random.default_rng(recipe.seed)
    count = min(LANDMARKS, len(clipped))
    chosen = rng.choice(len(clipped), count, replace=False, p=weight / weight.sum())
    metric = _fit_metric(clipped, chosen, groups, generated, weight, recipe)
    # Stored in half precision, so fitted on what will be read back.
    landmarks = metric.place(clipped[chosen]).astype(np.float16).astype(np.float32)
    unfold = _unfolding(landmarks)
    by_group = similarities(metric.place(clipped), landmarks)
    moments = group_moments(by_group.mean(0) @ unfold, groups, generated, weight)
    own = replace(recipe, ridge=_RIDGE, source_penalty=0.0)
    members = draws(moments, recipe.members, np.random.default_rng(recipe.seed))
    fitted = [solve(moments, draw, own) for draw in members]
    weights = np.stack([unfold @ solution for solution, _ in fitted])
    average = np.stack([weight @ part for part in by_group])
    return Similarity(
        metric=metric,
        landmarks=landmarks,
        weights=weights,
        bias=np.array([bias for _, bias in fitted]),
        baseline=average @ weights.mean(0) / len(GROUP_NAMES),
    )


def _fit_metric(
    clipped: Matrix,
    chosen: NDArray[np.int64],
    groups: NDArray[np.str_],
    generated: NDArray[np.bool_],
    weight: Matrix,
    recipe: Recipe,
) -> Metric:
    """Whiten each feature group by its spread and by the spread between collections."""
    centre = np.zeros(clipped.shape[1])
    whitening = np.zeros((clipped.shape[1],) * 2)
    names = np.array(GROUPS)
    for name in GROUP_NAMES:
        columns = np.flatnonzero(names == name)
        mine = clipped[:, columns]
        means, scatter = group_means(mine, groups, generated, weight)
        middle = (means[True] + means[False]) / 2
        covariance = (mine * weight[:, None]).T @ mine - np.outer(middle, middle)
        covariance += recipe.source_penalty * scatter + recipe.ridge * np.eye(len(columns))
        block = np.linalg.inv(np.linalg.cholesky(covariance)).T
        placed = (mine[chosen] - middle) @ block
        half = len(placed) // 2
        typical = np.median(_square_distances(placed[:half], placed[half:]))
        centre[columns] = middle
        whitening[np.ix_(columns, columns)] = block / np.sqrt(_WIDTH * typical)
    return Metric(centre.astype(np.float32), whitening.astype(np.float32))


def _square_distances(one: Matrix, other: Matrix) -> Matrix:
    found: Matrix = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * one @ other.T
    return found


def _unfolding(landmarks: Single) -> Matrix:
    """k x k; similarities times this have plain dot products that equal the kernel's."""
    among = similarities(landmarks, landmarks).mean(0).astype(np.float64)
    values, vectors = np.linalg.eigh(among)
    unfolding: Matrix = vectors / np.sqrt(np.maximum(values, _SMALLEST_EIGENVALUE))
    return unfolding

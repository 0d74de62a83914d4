"""Fitting a committee of strongly regularised linear models to a table of features."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from assay.detector.linear import CLIP
from assay.detector.table import Table

Matrix = NDArray[np.float64]

_SMALLEST_SPREAD = 1e-3


@dataclass(frozen=True)
class Recipe:
    """How a committee is fitted.

    Attributes:
        ridge: strength of the L2 penalty on standardised features.
        source_penalty: strength of the penalty on directions in which collections of one class
            differ from each other. Two photo collections are told apart by the neutralised
            features with AUC 0.9, so those directions say where a picture is from, not what
            it is.
        group_power: a group of n pictures weighs n ** group_power; 0.5 keeps one large
            collection from deciding alone.
        members: models fitted on resampled groups; their spread is the reported interval.
        seed: of the resampling.
    """

    ridge: float = 1.0
    source_penalty: float = 5.0
    group_power: float = 0.5
    members: int = 20
    seed: int = 0

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True)
class Committee:
    """Fitted, not yet calibrated: standardisation and B linear models."""

    mean: Matrix
    scale: Matrix
    weights: Matrix
    bias: Matrix

    def scores(self, features: NDArray[np.float32]) -> Matrix:
        """Mean score of the members for features n x d."""
        mean: Matrix = (self.clipped(features) @ self.weights.T + self.bias).mean(1)
        return mean

    def clipped(self, features: NDArray[np.float32]) -> Matrix:
        """Features in units of the training spread, clipped; shape as given."""
        found: Matrix = np.clip((features - self.mean) / self.scale, -CLIP, CLIP)
        return found


def fit(table: Table, index: NDArray[np.int64], recipe: Recipe) -> Committee:
    """Fit a committee on the given rows of the table, all their views.

    Member 0 sees every group once; the others see groups drawn with replacement.
    """
    views = table.features.shape[1]
    features = table.features[index].reshape(-1, table.features.shape[2]).astype(np.float64)
    generated = np.repeat(table.generated[index], views)
    groups = np.repeat(table.groups[index], views)
    weight = group_weights(groups, generated, recipe.group_power)
    mean = np.average(features, axis=0, weights=weight)
    variance = np.average((features - mean) ** 2, axis=0, weights=weight)
    scale = np.sqrt(variance) + _SMALLEST_SPREAD
    standardised = np.clip((features - mean) / scale, -CLIP, CLIP)
    moments = group_moments(standardised, groups, generated, weight)
    rng = np.random.default_rng(recipe.seed)
    fitted = [solve(moments, draw, recipe) for draw in draws(moments, recipe.members, rng)]
    return Committee(
        mean=mean,
        scale=scale,
        weights=np.stack([weights for weights, _ in fitted]),
        bias=np.array([bias for _, bias in fitted]),
    )


@dataclass(frozen=True)
class Moments:
    """Sufficient statistics per group, so that a resampled fit costs one sum and one solve."""

    second: Matrix  # groups x d x d, weighted
    first: Matrix  # groups x d, weighted sums
    total: Matrix  # groups, sums of weights
    generated: NDArray[np.bool_]


def group_weights(groups: NDArray[np.str_], generated: NDArray[np.bool_], power: float) -> Matrix:
    """Weight per row: groups by size ** power, both classes the same total."""
    sizes = Counter(groups.tolist())
    weight = np.array([sizes[group] ** (power - 1) for group in groups])
    for side in (generated, ~generated):
        weight[side] *= 0.5 / weight[side].sum()
    return weight


def group_moments(
    features: Matrix, groups: NDArray[np.str_], generated: NDArray[np.bool_], weight: Matrix
) -> Moments:
    second, first, total, side = [], [], [], []
    for group in np.unique(groups):
        inside = groups == group
        mine, my_weight = features[inside], weight[inside]
        second.append((mine * my_weight[:, None]).T @ mine)
        first.append(my_weight @ mine)
        total.append(my_weight.sum())
        side.append(generated[inside][0])
    return Moments(np.stack(second), np.stack(first), np.array(total), np.array(side))


def draws(moments: Moments, members: int, rng: np.random.Generator) -> list[Matrix]:
    """How often each group counts for each member; both classes stay present."""
    count = len(moments.total)
    draws = [np.ones(count)]
    sides = [np.flatnonzero(moments.generated), np.flatnonzero(~moments.generated)]
    for _ in range(members - 1):
        chosen = np.concatenate([rng.choice(side, len(side)) for side in sides])
        draws.append(np.bincount(chosen, minlength=count).astype(float))
    return draws


def solve(moments: Moments, draw: Matrix, recipe: Recipe) -> tuple[Matrix, float]:
    """Weighted least squares on labels -1/+1 with both penalties, classes balanced."""
    factor = draw.copy()
    for side in (moments.generated, ~moments.generated):
        factor[side] *= 0.5 / (draw[side] @ moments.total[side])
    means, scatter = _scatter(moments.first, moments.total, moments.generated, factor)
    second = np.tensordot(factor, moments.second, 1)
    middle = (means[True] + means[False]) / 2
    covariance = second - np.outer(middle, middle)
    covariance += recipe.source_penalty * scatter
    covariance += recipe.ridge * np.eye(len(middle))
    weights: Matrix = np.asarray(
        np.linalg.solve(covariance, (means[True] - means[False]) / 2), np.float64
    )
    return weights, float(-weights @ middle)


def group_means(
    features: Matrix, groups: NDArray[np.str_], generated: NDArray[np.bool_], weight: Matrix
) -> tuple[dict[bool, Matrix], Matrix]:
    """Mean of each class, and the scatter of its groups' means around it, d x d."""
    first, total, side = [], [], []
    for group in np.unique(groups):
        inside = groups == group
        first.append(weight[inside] @ features[inside])
        total.append(weight[inside].sum())
        side.append(generated[inside][0])
    return _scatter(np.stack(first), np.array(total), np.array(side), np.ones(len(total)))


def _scatter(
    first: Matrix, total: Matrix, generated: NDArray[np.bool_], factor: Matrix
) -> tuple[dict[bool, Matrix], Matrix]:
    """As `group_means`, from the weighted sums and total weights of groups that count `factor`."""
    means: dict[bool, Matrix] = {}
    scatter = np.zeros((first.shape[1],) * 2)
    for fake in (True, False):
        inside = np.flatnonzero((generated == fake) & (factor > 0))
        share = factor[inside] * total[inside]
        of_groups = first[inside] / total[inside, None]
        means[fake] = share @ of_groups / share.sum()
        apart = of_groups - means[fake]
        scatter += (apart * share[:, None]).T @ apart
    return means, scatter

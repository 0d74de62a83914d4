"""Agreement between raters; always named together with its level of measurement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal"]


def cohen_kappa(
    one: Sequence[str],
    other: Sequence[str],
    values: Sequence[str],
    *,
    weights: Literal["none", "quadratic"] = "none",
) -> float | None:
    """Cohen's kappa of two raters (1960), optionally with quadratic weights (1968).

    Args:
        values: all values; their order matters for weights.

    Returns:
        None when it is undefined, because both raters always gave one and the same value.
    """
    k = len(values)
    index = {value: i for i, value in enumerate(values)}
    table = np.zeros((k, k))
    np.add.at(table, ([index[v] for v in one], [index[v] for v in other]), 1)
    table /= table.sum()
    steps = np.subtract.outer(np.arange(k), np.arange(k))
    penalty = (steps != 0).astype(float) if weights == "none" else steps.astype(float) ** 2
    expected = float((np.outer(table.sum(axis=1), table.sum(axis=0)) * penalty).sum())
    return None if expected == 0 else 1 - float((table * penalty).sum()) / expected


def krippendorff_alpha(
    ratings: Sequence[Sequence[str]], values: Sequence[str], *, level: Level = "nominal"
) -> float | None:
    """Krippendorff's alpha (2011) for any number of raters and missing answers.

    Args:
        ratings: for every unit the values it got, in any order; units with one are ignored.
        values: all values, in their order for the ordinal level.

    Returns:
        None when it is undefined: no unit has two answers, or all answers are one value.
    """
    index = {value: i for i, value in enumerate(values)}
    k = len(values)
    coincidences = np.zeros((k, k))
    for unit in ratings:
        counts = np.bincount([index[v] for v in unit], minlength=k).astype(float)
        if counts.sum() >= 2:
            coincidences += (np.outer(counts, counts) - np.diag(counts)) / (counts.sum() - 1)
    totals = coincidences.sum(axis=1)
    n = totals.sum()
    if n == 0:
        return None
    penalty = _penalties(totals, level)
    expected = float((np.outer(totals, totals) * penalty).sum()) / (n - 1)
    return None if expected == 0 else 1 - float((coincidences * penalty).sum()) / expected


def _penalties(totals: NDArray[np.float64], level: Level) -> NDArray[np.float64]:
    k = totals.size
    if level == "nominal":
        return 1 - np.eye(k)
    below = np.concatenate([[0.0], np.cumsum(totals)])
    result = np.zeros((k, k))
    for low in range(k):
        for high in range(low + 1, k):
            between = below[high + 1] - below[low] - (totals[low] + totals[high]) / 2
            result[low, high] = result[high, low] = between**2
    return result

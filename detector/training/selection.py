"""Choosing a recipe: only by pictures of sources and generators that it has not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from assay.detector.evaluation.metrics import auc_by_group, macro, stratified_auc
from assay.detector.table import STATISTICS, Table
from assay.detector.training.fitting import Recipe
from assay.detector.training.fitting import fit as fit_linear
from assay.detector.training.folds import group_out

# Repetitions of the deal: which families share a fold moves the figure by about 0.02.
DEALS = 2

Progress = Callable[[Iterable[tuple[Recipe, int]], int], Iterable[tuple[Recipe, int]]]


@dataclass
class HeldOut:
    """Scores of every picture by models that saw neither its source nor its generator family.

    Attributes:
        recipe: what was fitted.
        scores: n pictures x deals, NaN where a picture was in no test fold.
        by_family, by_source: mean AUC within test folds, over folds and deals, with sizes.
        within_contrast: mean AUC within quantile strata of contrast, over folds and deals.
    """

    recipe: Recipe
    scores: NDArray[np.float64]
    by_family: dict[str, tuple[float, int]] = field(default_factory=dict)
    by_source: dict[str, tuple[float, int]] = field(default_factory=dict)
    within_contrast: float = float("nan")

    @property
    def macro_auc(self) -> float:
        """Mean over generator families of the group-out AUC."""
        return macro(self.by_family)

    @property
    def mean_scores(self) -> NDArray[np.float64]:
        """Mean over deals, n; NaN where a picture was in no test fold."""
        return _mean_of_known(self.scores)


class Fitted(Protocol):
    """What a fit gives."""

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Score of each of n x d features."""
        ...


Fit = Callable[[Table, NDArray[np.int64], Recipe], Fitted]


def hold_out(table: Table, recipe: Recipe, *, deals: int = DEALS, fit: Fit = fit_linear) -> HeldOut:
    """Fit on each group-out fold and score its test part (view 0, the standard rendition).

    Args:
        table: measured pictures.
        recipe: how to fit.
        deals: repetitions with other folds.
        fit: what to fit: the linear half, or both.
    """
    generated, families, sources = table.generated, table.families, table.sources
    contrast = table.statistics[:, STATISTICS.index("contrast")]
    scores = np.full((len(table.rows), deals), np.nan)
    family_values: dict[str, list[tuple[float, int]]] = defaultdict(list)
    source_values: dict[str, list[tuple[float, int]]] = defaultdict(list)
    strata = []
    for deal in range(deals):
        for fold in group_out(table, seed=deal):
            test = fold.test
            fitted = fit(table, fold.train, recipe)
            scores[test, deal] = fitted.scores(table.features[test, 0])
            mine = scores[test, deal]
            for found, groups, real in (
                (family_values, families, False),
                (source_values, sources, True),
            ):
                per_group = auc_by_group(mine, generated[test], groups[test], of_real=real)
                for name, value in per_group.items():
                    found[name].append(value)
            strata.append(stratified_auc(mine, generated[test], contrast[test]))
    return HeldOut(
        recipe=recipe,
        scores=scores,
        by_family=_average(family_values),
        by_source=_average(source_values),
        within_contrast=float(_mean_of_known(np.array([strata]))[0]) if strata else float("nan"),
    )


def choose(
    table: Table, recipes: Sequence[Recipe], *, deals: int = DEALS
) -> tuple[HeldOut, list[HeldOut]]:
    """Hold out with every recipe; the best macro AUC wins.

    Returns:
        The winner, and all of them in the given order.
    """
    tried = [hold_out(table, recipe, deals=deals) for recipe in recipes]
    return max(tried, key=lambda held: held.macro_auc), tried


def _mean_of_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean of each row over what is not NaN; NaN for a row without any."""
    known = np.isfinite(values)
    count = known.sum(1)
    total = np.where(known, values, 0.0).sum(1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _average(values: dict[str, list[tuple[float, int]]]) -> dict[str, tuple[float, int]]:
    return {
        name: (float(np.mean([value for value, _ in pairs])), pairs[0][1])
        for name, pairs in sorted(values.items())
    }

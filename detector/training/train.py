"""From a manifest to a calibrated model and its card."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row, cap_per_group
from assay.detector.calibration import (
    Calibration,
    distrust,
    platt,
    worst_source_threshold,
)
from assay.detector.linear import CLIP, DEFAULT_NAME, LinearModel, save
from assay.detector.table import STATISTICS, Table
from assay.detector.training.card import describe
from assay.detector.training.corpus import Progress, build_table, training_views
from assay.detector.training.fitting import Recipe
from assay.detector.training.held_out import balanced
from assay.detector.training.held_out_file import path_for, write_held_out
from assay.detector.training.selection import HeldOut, choose, hold_out
from assay.detector.training.similarity_fitting import BothHalves, fit_both
from assay.errors import InputRefused

# A quantile of the training pictures: beyond it a picture is unlike all of them.
_DOMAIN_QUANTILE = 0.999
# Fewer groups than this leave nothing to hold out.
MIN_SOURCES = 4
MIN_FAMILIES = 4

RECIPES = tuple(
    Recipe(ridge=ridge, source_penalty=penalty)
    for ridge in (0.3, 1.0, 3.0)
    for penalty in (0.0, 1.0, 3.0)
)
"""What `choose` tries."""


@dataclass(frozen=True)
class Training:
    """A finished training run."""

    model: LinearModel
    held_out: HeldOut
    table: Table
    card_path: Path


def measure(
    rows: Sequence[Row],
    *,
    deliveries: int,
    most_per_group: int,
    workers: int,
    seed: int,
    progress: Progress | None,
) -> Table:
    """The feature table of a corpus; a large group is thinned to `most_per_group`.

    Raises:
        InputRefused: too few sources or generators to hold any out.
    """
    kept = cap_per_group(rows, most_per_group)
    views = training_views(deliveries)
    table = build_table(kept, views, workers=workers, seed=seed, progress=progress)
    sources = len(np.unique(table.sources[~table.generated]))
    families = len(np.unique(table.families[table.generated]))
    if sources < MIN_SOURCES or families < MIN_FAMILIES:
        raise InputRefused(
            f"{sources} real sources and {families} generator families could be measured; "
            f"at least {MIN_SOURCES} and {MIN_FAMILIES} are needed to hold some out",
            advice="fill the manifest's columns `source` and `generator`",
        )
    return table


def train(
    table: Table,
    out: str | Path,
    *,
    name: str = DEFAULT_NAME,
    version: str = "1",
    recipes: Sequence[Recipe] = RECIPES,
) -> Training:
    """Choose a recipe group-out, fit it on everything, calibrate, and write model and card.

    The recipe is that of the linear half, and it is chosen by that half alone.

    Raises:
        InputRefused: the folds never hold both classes.
        OutputRefused: the folder cannot be written.
    """
    single = [replace(recipe, members=1) for recipe in recipes]
    winner, tried = choose(table, single)
    committee_recipe = replace(winner.recipe, members=Recipe().members)
    held_out = hold_out(table, committee_recipe, fit=fit_both)
    seen: NDArray[np.bool_] = np.asarray(np.isfinite(held_out.scores).any(1))
    if not seen.any():
        raise InputRefused("no fold holds both classes: too few sources or generators")
    scores, generated = held_out.mean_scores[seen], table.generated[seen]
    calibration = platt(scores, generated, balanced(generated, table.groups[seen]))
    log_odds = calibration.slope * scores + calibration.intercept
    threshold = worst_source_threshold(log_odds, generated, table.sources[seen])
    fitted = fit_both(table, np.arange(len(table.rows)), committee_recipe)
    card = describe(
        table, held_out, tried, calibration, threshold, seen, name=name, version=version
    )
    against = distrust(calibration, held_out.macro_auc, threshold)
    card |= {"trustworthy": not against, "distrusted_because": against}
    model = _assemble(fitted, calibration, threshold, table, card)
    path = save(model, out)
    held_log_odds = calibration.slope * held_out.mean_scores + calibration.intercept
    contrast = table.statistics[:, STATISTICS.index("contrast")]
    write_held_out(path_for(path), table.rows, held_log_odds, contrast)
    return Training(model=model, held_out=held_out, table=table, card_path=path)


def _assemble(
    fitted: BothHalves,
    calibration: Calibration,
    threshold: dict[str, Any],
    table: Table,
    card: dict[str, Any],
) -> LinearModel:
    committee = fitted.committee
    standardised = (table.features - committee.mean) / committee.scale
    clipped = (np.abs(standardised) > CLIP).mean(2).ravel()
    return LinearModel(
        mean=committee.mean,
        scale=committee.scale,
        weights=committee.weights,
        bias=committee.bias,
        similarity=fitted.similarity,
        slope=calibration.slope,
        intercept=calibration.intercept,
        threshold=float(threshold["log_odds"]),
        stability=float(threshold["stability_log_odds"]),
        domain=float(np.quantile(clipped, _DOMAIN_QUANTILE)),
        card=card,
    )

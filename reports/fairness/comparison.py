"""Before and after: did a change of the generator bring it closer to the reference?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from assay.errors import InputRefused
from assay.reports.fairness.labels import assemble, read_labels
from assay.reports.fairness.manifest import read_manifest
from assay.reports.fairness.reference import References, read_references
from assay.reports.fairness.vocabulary import Frozen, Interval
from assay.reports.statistics.multiplicity import holm
from assay.reports.statistics.paired import DistanceChange, distance_change

if TYPE_CHECKING:
    import pandas as pd

Direction = Literal["closer", "further", "cannot-tell"]


class Change(Frozen):
    """One attribute, over the prompts and seeds that both audits have."""

    attribute: str
    pairs: int
    before: float = Field(description="total variation")
    after: float
    change: float = Field(description="after minus before; negative is closer")
    interval: Interval
    p_value: float
    p_adjusted: float
    direction: Direction


class Comparison(Frozen):
    """Two audits of one set of prompts and seeds."""

    pictures_before: int
    pictures_after: int
    changes: tuple[Change, ...]


def compare(
    before: str | Path,
    after: str | Path,
    *,
    labels_before: str | Path,
    labels_after: str | Path,
    reference: str | Path | None = None,
    alpha: float = 0.05,
    simulations: int = 9_999,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of pictures made from the same prompts and seeds.

    Args:
        before, after: manifests; pictures are paired by prompt and seed.
        labels_before, labels_after: label tables.
        reference: as for an audit; equal shares without one.

    Raises:
        InputRefused: a table is unusable, or nothing can be paired.
    """
    first, second = _answers(before, labels_before), _answers(after, labels_after)
    references = read_references(reference) if reference else References()
    attributes = [a for a in first.columns if a in second.columns]
    joined = first.add_suffix(" before").join(second.add_suffix(" after"), how="inner")
    if joined.empty or not attributes:
        raise InputRefused(
            "no prompt and seed with a common attribute in both manifests",
            advice="generate both sets from the same prompts and seeds",
        )
    found: list[tuple[str, int, DistanceChange]] = []
    for attribute in attributes:
        target = references.find(attribute, None, first[attribute])
        if target is None:
            continue
        values = list(target.shares)
        pair = joined[[f"{attribute} before", f"{attribute} after"]]
        pair = pair[pair.isin(values).all(axis=1)]
        if pair.empty:
            continue
        change = distance_change(
            _one_hot(pair.iloc[:, 0], values),
            _one_hot(pair.iloc[:, 1], values),
            np.array(list(target.shares.values())),
            simulations=simulations,
            seed=seed,
        )
        found.append((attribute, len(pair), change))
    return Comparison(
        pictures_before=len(first), pictures_after=len(second), changes=_decide(found, alpha)
    )


def _decide(found: list[tuple[str, int, DistanceChange]], alpha: float) -> tuple[Change, ...]:
    adjusted = holm([change.p_value for _, _, change in found]) if found else []
    changes = []
    for (attribute, pairs, change), p in zip(found, adjusted, strict=True):
        direction: Direction = "cannot-tell"
        if p <= alpha:
            direction = "closer" if change.change < 0 else "further"
        changes.append(
            Change(
                attribute=attribute,
                pairs=pairs,
                before=change.before,
                after=change.after,
                change=change.change,
                interval=change.interval,
                p_value=change.p_value,
                p_adjusted=p,
                direction=direction,
            )
        )
    return tuple(changes)


def _answers(manifest_path: str | Path, labels_path: str | Path) -> pd.DataFrame:
    """Consensus answers by prompt and seed."""
    manifest = read_manifest(manifest_path)
    table = read_labels(labels_path)
    consensus = assemble(table.rows, manifest, (table.source,), []).consensus
    keyed = consensus.set_index([manifest.rows["prompt"], manifest.rows["seed"]])
    return keyed[~keyed.index.duplicated()]


def _one_hot(answers: pd.Series[str], values: list[str]) -> np.ndarray:
    return np.stack([answers.to_numpy() == v for v in values], axis=1).astype(np.float64)

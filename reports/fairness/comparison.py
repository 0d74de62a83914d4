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
from assay.reports.fairness.results import Frozen, Interval
from assay.reports.statistics.multiplicity import holm
from assay.reports.statistics.paired import distance_change

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
    rows = []
    for attribute in attributes:
        one, two = joined[f"{attribute} before"], joined[f"{attribute} after"]
        target = references.find(attribute, None, first[attribute])
        if target is None:
            continue
        values = list(target.shares)
        both = (one.isin(values) & two.isin(values)).to_numpy()
        if not both.any():
            continue
        rows.append(
            (
                attribute,
                distance_change(
                    _one_hot(one[both], values),
                    _one_hot(two[both], values),
                    np.array(list(target.shares.values())),
                    simulations=simulations,
                    seed=seed,
                ),
                int(both.sum()),
            )
        )
    adjusted = holm([found.p_value for _, found, _ in rows]) if rows else []
    changes = []
    for (attribute, found, pairs), p in zip(rows, adjusted, strict=True):
        direction: Direction = "cannot-tell"
        if p <= alpha:
            direction = "closer" if found.change < 0 else "further"
        changes.append(
            Change(
                attribute=attribute,
                pairs=pairs,
                before=found.before,
                after=found.after,
                change=found.change,
                interval=found.interval,
                p_value=found.p_value,
                p_adjusted=p,
                direction=direction,
            )
        )
    return Comparison(
        pictures_before=len(first), pictures_after=len(second), changes=tuple(changes)
    )


def _answers(manifest_path: str | Path, labels_path: str | Path) -> pd.DataFrame:
    """Consensus answers by prompt and seed."""
    manifest = read_manifest(manifest_path)
    table = read_labels(labels_path)
    consensus = assemble(table.rows, manifest, (table.source,), []).consensus
    keyed = consensus.set_index([manifest.rows["prompt"], manifest.rows["seed"]])
    return keyed[~keyed.index.duplicated()]


def _one_hot(answers: pd.Series[str], values: list[str]) -> np.ndarray:
    return np.stack([answers.to_numpy() == v for v in values], axis=1).astype(np.float64)

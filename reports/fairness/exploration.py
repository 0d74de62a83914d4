"""Results without a verdict: amplification, crossings, agreement, annotator errors."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from assay.reports.fairness.claims import RepresentationClaim
from assay.reports.fairness.labels import Labels
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.reference import References
from assay.reports.fairness.results import (
    Agreement,
    AmplificationResult,
    Cell,
    CorrectedShare,
    Correction,
    Intersection,
    RaterDistance,
)
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.statistics.agreement import Level, cohen_kappa, krippendorff_alpha
from assay.reports.statistics.amplification import amplification
from assay.reports.statistics.distance import shares, total_variation
from assay.reports.statistics.intervals import wilson
from assay.reports.statistics.misclassification import correct_shares

if TYPE_CHECKING:
    import pandas as pd

MOST_CROSSED = 4  # attributes that are crossed with each other; more makes cells, not insight


def amplification_results(
    claims: tuple[RepresentationClaim, ...],
) -> tuple[AmplificationResult, ...]:
    """For attributes whose reference differs between prompts."""
    results = []
    for attribute in sorted({c.attribute for c in claims}):
        strata = [c for c in claims if c.attribute == attribute and c.stratum is not None]
        values = sorted({s.value for c in strata for s in c.shares})
        for value in values[:1] if len(values) == 2 else values:
            rows = [(c, s) for c in strata for s in c.shares if s.value == value]
            found = amplification(
                [s.count for _, s in rows],
                [c.answered for c, _ in rows],
                [s.reference for _, s in rows],
            )
            if found is not None:
                results.append(
                    AmplificationResult(
                        attribute=attribute,
                        value=value,
                        prompts=len(rows),
                        slope=found.slope,
                        interval=found.interval,
                        correlation=found.correlation,
                        mean_shift=found.mean_shift,
                    )
                )
    return tuple(results)


def intersections(labels: Labels, options: AuditOptions) -> tuple[Intersection, ...]:
    """Every two attributes crossed, small cells suppressed."""
    crossed = []
    for pair in combinations(labels.attributes[:MOST_CROSSED], 2):
        answered = labels.consensus[list(pair)]
        answered = answered[~answered.isin(UNANSWERED).any(axis=1)]
        if answered.empty:
            continue
        table = answered.groupby(list(pair)).size().unstack(fill_value=0)
        counts = table.to_numpy()
        shown = _shown(counts, options.smallest_cell)
        n = len(answered)
        cells = [
            _cell((str(row), str(column)), int(counts[i, j]), n, shown=bool(shown[i, j]))
            for i, row in enumerate(table.index)
            for j, column in enumerate(table.columns)
        ]
        crossed.append(Intersection(attributes=pair, pictures=n, cells=tuple(cells)))
    return tuple(crossed)


def _cell(values: tuple[str, str], count: int, n: int, *, shown: bool) -> Cell:
    if not shown:
        return Cell(values=values, pictures=None, share=None, interval=None)
    return Cell(values=values, pictures=count, share=count / n, interval=wilson(count, n))


def _shown(counts: np.ndarray, smallest: int) -> np.ndarray:
    """Cells that may be shown; a lone small cell of a row or column takes a second one along.

    Otherwise it could be computed from the margins, which the composition tables give.
    Empty cells count as small too.
    """
    shown = counts >= smallest
    changed = True
    while changed:
        changed = False
        for lines in (shown, shown.T):
            for line, values in zip(lines, counts if lines is shown else counts.T, strict=True):
                if (~line).sum() == 1 and line.any():
                    line[np.where(line, values, np.iinfo(values.dtype).max).argmin()] = False
                    changed = True
    return shown


def agreement(labels: Labels, options: AuditOptions) -> tuple[Agreement, ...]:
    """Agreement of the raters on each attribute; unanswered values are values here."""
    results = []
    for attribute, rows in labels.rows.groupby("attribute", sort=True):
        units = [list(values) for _, values in rows.groupby("path")["value"] if len(values) > 1]
        if not units:
            continue
        raters = sorted(rows["rater"].unique())
        order = options.ordinal.get(str(attribute), ())
        level: Level = "ordinal" if order else "nominal"
        if level == "ordinal":
            units = [[v for v in unit if v in order] for unit in units]
        values = list(order) if order else sorted({v for unit in units for v in unit})
        kappa = weighted = None
        if len(raters) == 2:
            both = rows.pivot(index="path", columns="rater", values="value").dropna()
            both = both[both.isin(values).all(axis=1)]
            if len(both):
                one, other = list(both[raters[0]]), list(both[raters[1]])
                kappa = cohen_kappa(one, other, values)
                if level == "ordinal":
                    weighted = cohen_kappa(one, other, values, weights="quadratic")
        results.append(
            Agreement(
                attribute=str(attribute),
                raters=len(raters),
                pictures=len(units),
                percent=_percent_agreement(units),
                level=level,
                alpha=krippendorff_alpha(units, values, level=level),
                kappa=kappa,
                weighted_kappa=weighted,
            )
        )
    return tuple(results)


def _percent_agreement(units: list[list[str]]) -> float:
    equal = total = 0
    for unit in units:
        for one, other in combinations(unit, 2):
            equal += one == other
            total += 1
    return equal / total if total else 0.0


def distances_by_rater(
    labels: Labels, references: References, options: AuditOptions
) -> tuple[RaterDistance, ...]:
    """How much the distance depends on who labelled; raters with few answers are left out."""
    results = []
    for attribute in labels.attributes:
        reference = references.find(attribute, None, labels.consensus[attribute])
        rows = labels.rows[labels.rows["attribute"] == attribute]
        if reference is None or rows["rater"].nunique() < 2:
            continue
        answered = rows[rows["value"].isin(list(reference.shares))]
        for rater, answers in answered.groupby("rater", sort=True)["value"]:
            if len(answers) < options.smallest_cell:
                continue
            counts = answers.value_counts().reindex(list(reference.shares), fill_value=0)
            results.append(
                RaterDistance(
                    attribute=attribute,
                    rater=str(rater),
                    answered=len(answers),
                    total_variation=total_variation(
                        shares(counts.to_numpy()), list(reference.shares.values())
                    ),
                )
            )
    return tuple(results)


def corrections(
    labels: Labels, references: References, options: AuditOptions
) -> tuple[Correction, ...]:
    """Shares corrected for the errors that the gold labels reveal."""
    if labels.gold is None:
        return ()
    results = []
    for attribute in labels.attributes:
        if attribute not in labels.gold.columns:
            continue
        result = _correction(
            attribute, labels.consensus[attribute], labels.gold[attribute], references, options
        )
        if result is not None:
            results.append(result)
    return tuple(results)


def _correction(
    attribute: str,
    answers: pd.Series[str],
    gold: pd.Series[str],
    references: References,
    options: AuditOptions,
) -> Correction | None:
    values = sorted(set(gold) - set(UNANSWERED))
    both = gold.isin(values) & answers.isin(values)
    if not values or not both.any():
        return None
    confusion = np.array(
        [[int(((gold == true) & (answers == seen)).sum()) for seen in values] for true in values],
        dtype=np.float64,
    )
    counts = np.array([int((answers == v).sum()) for v in values], dtype=np.float64)
    corrected = correct_shares(counts, confusion, seed=options.seed)
    if corrected is None:
        return None
    reference = references.find(attribute, None, answers)
    corrected_shares = tuple(
        CorrectedShare(
            value=value,
            observed=float(counts[k] / counts.sum()),
            corrected=float(corrected.shares[k]),
            interval=(float(corrected.intervals[k, 0]), float(corrected.intervals[k, 1])),
            reference=reference.shares.get(value) if reference else None,
        )
        for k, value in enumerate(values)
    )
    return Correction(
        attribute=attribute,
        labelled=int(both.sum()),
        accuracy=float(np.trace(confusion) / confusion.sum()),
        shares=corrected_shares,
    )

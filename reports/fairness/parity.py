"""Parity of outcomes: refusals, faces, marks and detectors, by prompt and by attribute."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from assay.reports.fairness.claims import GroupMean, GroupRate, ParityClaim, QualityClaim
from assay.reports.fairness.declared import Fidelity
from assay.reports.fairness.labels import Labels
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.not_compared import (
    comparable,
    means_not_compared,
    rates_not_compared,
)
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.results import NotCompared
from assay.reports.fairness.verdict import PENDING
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding
from assay.reports.statistics.intervals import wilson
from assay.reports.statistics.rates import homogeneity_p, impact_ratios

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_TRUE = {"1", "true", "yes", "y"}
_FALSE = {"0", "false", "no", "n"}
REFUSED = "refused"


def favourable_outcomes(
    manifest: Manifest, labels: Labels, options: AuditOptions
) -> tuple[dict[str, pd.Series[bool]], list[Finding]]:
    """Favourable outcomes by name: True, False, or missing where it is not known.

    `refused` of the manifest becomes "not refused"; labels give "face found"; every column
    that the auditor names becomes an outcome of its own.
    """
    outcomes: dict[str, pd.Series[bool]] = {}
    findings: list[Finding] = []
    columns = {REFUSED} & set(manifest.rows.columns) | set(options.outcomes)
    for column in sorted(columns):
        if column not in manifest.rows.columns:
            findings.append(_no_such_column(column))
            continue
        known, unknown = _truth(manifest.rows[column])
        if unknown:
            findings.append(
                Finding(
                    code="unreadable-outcomes",
                    summary=f"Manifest column {column}: cells that are neither yes nor no.",
                    count=unknown,
                )
            )
        if column == REFUSED:
            outcomes["not refused"] = (known == False).where(known.notna())  # noqa: E712
        else:
            outcomes[column] = known
    no_face = (labels.consensus == "no-face").any(axis=1)
    if no_face.any():
        outcomes["face found"] = (~no_face).astype(object)
    return outcomes, findings


def parity_claims(
    manifest: Manifest,
    labels: Labels,
    outcomes: dict[str, pd.Series[bool]],
    fidelity: list[Fidelity],
    options: AuditOptions,
) -> tuple[list[ParityClaim], list[NotCompared]]:
    """One claim an outcome and grouping, undecided yet; and those that cannot be tested."""
    pairs = [
        (outcome, by, values, groups)
        for outcome, values in outcomes.items()
        for by, groups in groupings(manifest, labels).items()
        # A picture without a face has no attribute to be grouped by.
        if outcome != "face found" or by == "prompt"
    ]
    pairs += [(item.outcome, item.by, item.followed, item.declared) for item in fidelity]
    claims: list[ParityClaim] = []
    untested: list[NotCompared] = []
    for outcome, by, values, groups in pairs:
        claim = _claim(f"p{len(claims) + 1}", outcome, by, values, groups, options)
        if claim is not None:
            claims.append(claim)
        else:
            untested.append(rates_not_compared(outcome, by, values, groups, options))
    return claims, untested


def quality_measures(
    manifest: Manifest, options: AuditOptions
) -> tuple[dict[str, pd.Series[float]], list[Finding]]:
    """The numeric manifest columns that the auditor names; what is no number is missing."""
    import pandas as pd

    measures: dict[str, pd.Series[float]] = {}
    findings: list[Finding] = []
    for column in options.quality:
        if column not in manifest.rows.columns:
            findings.append(_no_such_column(column))
            continue
        measures[column] = pd.to_numeric(manifest.rows[column], errors="coerce")
        if missing := int(measures[column].isna().sum()):
            findings.append(
                Finding(
                    code="unreadable-measures",
                    summary=f"Manifest column {column}: cells that are no number.",
                    count=missing,
                )
            )
    return measures, findings


def quality_claims(
    manifest: Manifest,
    labels: Labels,
    measures: dict[str, pd.Series[float]],
    options: AuditOptions,
) -> tuple[list[QualityClaim], list[NotCompared]]:
    """Each measure by prompt and by attribute, undecided; and those that cannot be tested."""
    claims: list[QualityClaim] = []
    untested: list[NotCompared] = []
    for measure, values in measures.items():
        for by, groups in groupings(manifest, labels).items():
            claim = _quality_claim(f"q{len(claims) + 1}", measure, by, values, groups, options)
            if claim is not None:
                claims.append(claim)
            else:
                untested.append(means_not_compared(measure, by, values, groups, options))
    return claims, untested


def groupings(manifest: Manifest, labels: Labels) -> dict[str, pd.Series[str]]:
    """Pictures by prompt and by each attribute; unanswered pictures are in no group."""
    found = {"prompt": manifest.rows["prompt"]}
    for attribute in labels.attributes:
        values = labels.consensus[attribute]
        found[attribute] = values.where(~values.isin(UNANSWERED))
    return found


def _claim(
    identifier: str,
    outcome: str,
    by: str,
    values: pd.Series[bool],
    groups: pd.Series[str],
    options: AuditOptions,
) -> ParityClaim | None:
    known = values.notna() & groups.notna()
    table = values[known].astype(bool).groupby(groups[known]).agg(["sum", "size"])
    large = table[table["size"] >= options.smallest_cell]
    if not comparable(len(large)):
        return None
    successes, sizes = [int(v) for v in large["sum"]], [int(v) for v in large["size"]]
    best = max(range(len(sizes)), key=lambda i: (successes[i] / sizes[i], sizes[i]))
    rates = []
    for i, ratio in enumerate(impact_ratios(successes, sizes)):
        high = ratio.interval[1]
        rates.append(
            GroupRate(
                group=str(large.index[i]),
                pictures=sizes[i],
                favourable=successes[i],
                rate=successes[i] / sizes[i],
                interval=wilson(successes[i], sizes[i]),
                impact_ratio=ratio.ratio,
                ratio_interval=None if i == best or math.isinf(high) else ratio.interval,
                below_four_fifths=ratio.flagged,
            )
        )
    return ParityClaim(
        id=identifier,
        outcome=outcome,
        by=by,
        groups=tuple(rates),
        left_out=len(values) - sum(sizes),
        p_value=homogeneity_p(successes, sizes),
        p_adjusted=1,
        q_value=1,
        minimum_detectable=1,
        verdict=PENDING,
    )


def detectable_difference(claim: ParityClaim, *, alpha: float, power: float) -> float:
    """Smallest drop of the rate in the smallest group that would be found.

    Arcsine effect size against all other groups together.
    """
    total = sum(g.pictures for g in claim.groups)
    smallest = min(g.pictures for g in claim.groups)
    rate = sum(g.favourable for g in claim.groups) / total
    needed = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    effect = needed * math.sqrt(1 / smallest + 1 / (total - smallest))
    angle = 2 * math.asin(math.sqrt(rate))
    lower = math.sin(max(0.0, angle - effect) / 2) ** 2
    upper = math.sin(min(math.pi, angle + effect) / 2) ** 2
    return max(rate - lower, upper - rate)


def detectable_shift(claim: QualityClaim, *, alpha: float, power: float) -> float:
    """Smallest shift of the smallest group that would be found, in standard deviations.

    Normal approximation, with the efficiency of a rank test on normal data (3/pi).
    """
    sizes = [g.pictures for g in claim.groups]
    rest = sum(sizes) - min(sizes)
    needed = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return needed * math.sqrt((1 / min(sizes) + 1 / rest) * math.pi / 3)


def _quality_claim(
    identifier: str,
    measure: str,
    by: str,
    values: pd.Series[float],
    groups: pd.Series[str],
    options: AuditOptions,
) -> QualityClaim | None:
    known = values.notna() & groups.notna()
    parts: dict[str, NDArray[np.float64]] = {
        str(name): np.asarray(part, dtype=np.float64)
        for name, part in values[known].groupby(groups[known])
        if len(part) >= options.smallest_cell
    }
    if not comparable(len(parts)):
        return None
    same = np.ptp(np.concatenate(list(parts.values()))) == 0
    means = []
    for name, part in parts.items():
        spread = float(part.std(ddof=1)) / math.sqrt(len(part))
        half = float(stats.t.ppf(0.975, len(part) - 1)) * spread
        mean = float(part.mean())
        means.append(
            GroupMean(
                group=name, pictures=len(part), mean=mean, interval=(mean - half, mean + half)
            )
        )
    return QualityClaim(
        id=identifier,
        measure=measure,
        by=by,
        groups=tuple(means),
        left_out=len(values) - sum(len(p) for p in parts.values()),
        spread=_spread_within(parts),
        p_value=1.0 if same else float(stats.kruskal(*parts.values()).pvalue),
        p_adjusted=1,
        q_value=1,
        minimum_detectable=1,
        verdict=PENDING,
    )


def _no_such_column(column: str) -> Finding:
    return Finding(code="no-such-column", summary=f"The manifest has no column {column}.", count=0)


def _spread_within(parts: dict[str, NDArray[np.float64]]) -> float:
    squares = sum(float(((part - part.mean()) ** 2).sum()) for part in parts.values())
    return math.sqrt(squares / (sum(len(part) for part in parts.values()) - len(parts)))


def _truth(cells: pd.Series[str]) -> tuple[pd.Series[bool], int]:
    lowered = cells.str.lower()
    known = lowered.map(dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False))
    return known, int((known.isna() & (lowered != "")).sum())

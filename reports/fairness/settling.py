"""Deciding all claims of an audit together: one family, one correction."""

from __future__ import annotations

from dataclasses import dataclass

from assay.reports.fairness.claims import (
    AnyClaim,
    CounterfactualClaim,
    ParityClaim,
    QualityClaim,
    RepresentationClaim,
    Verdict,
)
from assay.reports.fairness.counterfactuals import detectable_change
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.parity import detectable_difference, detectable_shift
from assay.reports.fairness.verdict import (
    decide_counterfactual,
    decide_parity,
    decide_quality,
    decide_representation,
)
from assay.reports.statistics.multiplicity import benjamini_hochberg, holm


@dataclass(frozen=True)
class Settled:
    """Claims with corrected p-values and verdicts."""

    representation: tuple[RepresentationClaim, ...]
    parity: tuple[ParityClaim, ...]
    quality: tuple[QualityClaim, ...]
    counterfactuals: tuple[CounterfactualClaim, ...]


def settle(claims: list[AnyClaim], options: AuditOptions) -> Settled:
    """Correct the p-values over all claims and decide each one."""
    settled: list[AnyClaim] = []
    if claims:
        p_values = [claim.p_value for claim in claims]
        alpha = options.alpha / len(claims)
        rows = zip(claims, holm(p_values), benjamini_hochberg(p_values), strict=True)
        for claim, adjusted, exploratory in rows:
            corrected = claim.model_copy(update={"p_adjusted": adjusted, "q_value": exploratory})
            powered = _with_power(corrected, alpha, options)
            settled.append(powered.model_copy(update={"verdict": _decide(powered, options)}))
    return Settled(
        representation=tuple(c for c in settled if isinstance(c, RepresentationClaim)),
        parity=tuple(c for c in settled if isinstance(c, ParityClaim)),
        quality=tuple(c for c in settled if isinstance(c, QualityClaim)),
        counterfactuals=tuple(c for c in settled if isinstance(c, CounterfactualClaim)),
    )


def _with_power(claim: AnyClaim, alpha: float, options: AuditOptions) -> AnyClaim:
    if isinstance(claim, ParityClaim):
        detectable = detectable_difference(claim, alpha=alpha, power=options.power)
    elif isinstance(claim, QualityClaim):
        detectable = detectable_shift(claim, alpha=alpha, power=options.power)
    elif isinstance(claim, CounterfactualClaim):
        detectable = detectable_change(claim, alpha=alpha, power=options.power)
    else:
        return claim
    return claim.model_copy(update={"minimum_detectable": detectable})


def _decide(claim: AnyClaim, options: AuditOptions) -> Verdict:
    match claim:
        case RepresentationClaim():
            return decide_representation(claim, options)
        case ParityClaim():
            return decide_parity(claim, options)
        case QualityClaim():
            return decide_quality(claim, options)
        case CounterfactualClaim():
            return decide_counterfactual(claim, options)

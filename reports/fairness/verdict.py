"""What may be said about a claim: three answers, each with its reasons.

"None found" is only said where a disparity of the size that matters would have been found;
otherwise the answer is "cannot tell". No claim is folded into a score.
"""

from __future__ import annotations

from assay.reports.fairness.claims import (
    CounterfactualClaim,
    ParityClaim,
    QualityClaim,
    RepresentationClaim,
    Verdict,
)
from assay.reports.fairness.options import AuditOptions

PENDING = Verdict(code="cannot-tell", summary="not decided yet")


def decide_parity(claim: ParityClaim, options: AuditOptions) -> Verdict:
    """The verdict on one parity claim."""
    subject = f"{_sentence(claim.outcome)} by {claim.by}"
    lowest = min(claim.groups, key=lambda g: g.rate)
    highest = max(claim.groups, key=lambda g: g.rate)
    if claim.p_adjusted <= options.alpha:
        flagged = [g.group for g in claim.groups if g.below_four_fifths]
        rule = f"; below four fifths with certainty: {', '.join(flagged)}" if flagged else ""
        return Verdict(
            code="disparity-found",
            summary=f"{subject}: rates differ, from {_percent(lowest.rate)} ({lowest.group}) to "
            f"{_percent(highest.rate)} ({highest.group}){rule}.",
        )
    return _none_or_underpowered(subject, claim.minimum_detectable, "difference", options)


def decide_quality(claim: QualityClaim, options: AuditOptions) -> Verdict:
    """The verdict on one quality claim."""
    subject = f"{_sentence(claim.measure)} by {claim.by}"
    if claim.p_adjusted <= options.alpha:
        lowest = min(claim.groups, key=lambda g: g.mean)
        highest = max(claim.groups, key=lambda g: g.mean)
        return Verdict(
            code="disparity-found",
            summary=f"{subject}: groups differ, from a mean of {lowest.mean:.3g} ({lowest.group}) "
            f"to {highest.mean:.3g} ({highest.group}).",
        )
    detectable = f"{claim.minimum_detectable:.2f} standard deviations"
    if claim.minimum_detectable > options.smallest_shift:
        return Verdict(
            code="cannot-tell",
            summary=f"{subject}: cannot tell, because a shift below {detectable} could be missed, "
            f"while {options.smallest_shift:g} matters.",
            reasons=("too-little-power",),
        )
    return Verdict(
        code="none-found",
        summary=f"{subject}: no difference found; a shift of {detectable} or more would have "
        f"been found with {options.power:.0%} power.",
    )


def decide_counterfactual(claim: CounterfactualClaim, options: AuditOptions) -> Verdict:
    """The verdict on one counterfactual claim."""
    first, second = claim.variants
    subject = f"{_sentence(claim.attribute)}, “{first}” against “{second}” ({claim.pair})"
    if claim.pairs < options.smallest_cell:
        return Verdict(
            code="cannot-tell",
            summary=f"{subject}: cannot tell, because {claim.pairs} complete pairs are fewer than "
            f"{options.smallest_cell}.",
            reasons=("too-few-pictures",),
        )
    if claim.p_adjusted <= options.alpha:
        most = max(claim.shares, key=lambda s: abs(s.difference))
        return Verdict(
            code="disparity-found",
            summary=f"{subject}: the word changes what is shown; “{most.value}” goes from "
            f"{_percent(most.first)} to {_percent(most.second)}.",
        )
    return _none_or_underpowered(subject, claim.minimum_detectable, "change", options)


def _none_or_underpowered(
    subject: str, detectable: float, what: str, options: AuditOptions
) -> Verdict:
    if detectable > options.smallest_effect:
        return Verdict(
            code="cannot-tell",
            summary=f"{subject}: cannot tell, because a {what} below {_percent(detectable)} could "
            f"be missed, while {_percent(options.smallest_effect)} matters.",
            reasons=("too-little-power",),
        )
    return Verdict(
        code="none-found",
        summary=f"{subject}: no {what} found; one of {_percent(detectable)} or more would have "
        f"been found with {options.power:.0%} power.",
    )


def decide_representation(claim: RepresentationClaim, options: AuditOptions) -> Verdict:
    """The verdict on one representation claim."""
    where = f"in pictures for “{claim.stratum}”" if claim.stratum else "over all prompts"
    subject = f"{_sentence(claim.attribute)} {where}"
    if reasons := _undecidable(claim, options):
        return Verdict(
            code="cannot-tell",
            summary=f"{subject}: cannot tell, because " + " and ".join(reasons.values()) + ".",
            reasons=tuple(reasons),
        )
    if claim.p_adjusted <= options.alpha:
        return Verdict(
            code="disparity-found",
            summary=f"{subject}: {_percent(claim.total_variation)} of the pictures would have "
            f"to change to match the reference (95\u202f% interval {_percent(claim.interval[0])} "
            f"to {_percent(claim.interval[1])}); chance alone stays below "
            f"{_percent(claim.null_95)} in 95\u202f% of samples.",
        )
    return Verdict(
        code="none-found",
        summary=f"{subject}: no disparity found with {claim.answered} pictures; "
        f"one of {_percent(claim.minimum_detectable)} or more would have been found with "
        f"{options.power:.0%} power.",
    )


def _undecidable(claim: RepresentationClaim, options: AuditOptions) -> dict[str, str]:
    reasons: dict[str, str] = {}
    unanswered = 1 - claim.answered / claim.pictures
    if claim.answered < options.smallest_cell:
        reasons["too-few-pictures"] = (
            f"{claim.answered} answered pictures are fewer than {options.smallest_cell}"
        )
    if unanswered > options.most_unanswered:
        reasons["too-many-unanswered"] = (
            f"{_percent(unanswered)} of the pictures have no answer, and depending on them the "
            f"distance lies between {_percent(claim.bounds[0])} and {_percent(claim.bounds[1])}"
        )
    underpowered = claim.minimum_detectable > options.smallest_effect
    if not reasons and claim.p_adjusted > options.alpha and underpowered:
        reasons["too-little-power"] = (
            f"a disparity below {_percent(claim.minimum_detectable)} could be missed, while "
            f"{_percent(options.smallest_effect)} matters"
        )
    return reasons


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\u202f%"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]

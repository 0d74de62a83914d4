"""From evidence to a verdict."""

from __future__ import annotations

from collections.abc import Sequence

from assay.detector.judge.known_works import with_known_works
from assay.detector.judge.rules import STANDARD_RULES, Rule, Ruling, at_least
from assay.evidence import Evidence, NotScored, Verdict

_AGAINST: dict[str, frozenset[str]] = {
    "generated": frozenset({"captured"}),
    "likely-generated": frozenset({"captured"}),
    "captured": frozenset({"generated", "edited"}),
    "edited": frozenset(),
    "altered": frozenset(),
    "inconclusive": frozenset(),
    "no-evidence": frozenset(),
}


class Judge:
    """Tries its rules in order; the first that answers decides.

    Args:
        rules: default: the standard order. The last rule must always answer.
    """

    def __init__(self, rules: Sequence[Rule] = STANDARD_RULES) -> None:
        self.rules = tuple(rules)

    def __repr__(self) -> str:
        return f"Judge({', '.join(type(rule).__name__ for rule in self.rules)})"

    def decide(self, evidence: Sequence[Evidence]) -> Verdict:
        """The verdict on this evidence, whose ids must be set.

        Raises:
            LookupError: no rule answered.
        """
        for rule in self.rules:
            ruling = rule.decide(evidence)
            if ruling is not None:
                return _verdict(ruling, evidence)
        raise LookupError(f"no rule of {self!r} answered; the last one must always answer")


def _verdict(ruling: Ruling, evidence: Sequence[Evidence]) -> Verdict:
    scored = next((e for e in evidence if _scores_the_whole(e)), None)
    return Verdict(
        category=ruling.category,
        summary=with_known_works(
            ruling.summary + _dissent(ruling, evidence), ruling.category, evidence
        ),
        probability_generated=scored.probability if scored else None,
        interval=scored.details.get("interval") if scored else None,
        because=tuple(e.id for e in ruling.because),
        not_scored=tuple(
            NotScored(what=e.examiner, why=e.summary) for e in evidence if e.kind == "not-scored"
        ),
    )


def _scores_the_whole(item: Evidence) -> bool:
    """A probability that a face was forged is not one that the picture was generated."""
    face = item.finding.startswith("face-")
    return item.kind == "detector" and item.probability is not None and not face


def _dissent(ruling: Ruling, evidence: Sequence[Evidence]) -> str:
    """A sentence for evidence that speaks against the ruling; shown, never averaged in."""
    against = [
        e for e in at_least(evidence, "moderate") if e.points_to in _AGAINST[ruling.category]
    ]
    return f" Against this: {against[0].summary}" if against else ""

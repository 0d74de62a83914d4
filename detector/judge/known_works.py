"""Known works beside a verdict: what a picture copies says nothing of how it was made."""

from __future__ import annotations

from collections.abc import Sequence

from assay.detector.judge.rules import at_least
from assay.evidence import Category, Evidence

# Categories that leave open how the media were made: there a known work is the first news.
UNDECIDED: frozenset[Category] = frozenset({"inconclusive", "no-evidence"})


def known_works(evidence: Sequence[Evidence]) -> list[Evidence]:
    """Registered works that the media copy or probably copy, best first.

    What is only worth a review is shown with the evidence and not here.
    """
    return [e for e in at_least(evidence, "moderate") if e.finding == "known-work"]


def with_known_works(summary: str, category: Category, evidence: Sequence[Evidence]) -> str:
    """A verdict's summary that also says which known work was found.

    It comes first where the category is undecided, and last where it is not.
    """
    works = known_works(evidence)
    if not works:
        return summary
    told = works[0].summary
    if len(works) > 1:
        told += " Other registered works resemble it, too."
    return f"{told} {summary}" if category in UNDECIDED else f"{summary} {told}"

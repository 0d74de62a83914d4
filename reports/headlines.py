"""The sentence that a person reads first on the page of a verification."""

from __future__ import annotations

from assay.detector.judge.known_works import UNDECIDED, known_works
from assay.evidence import Category, Evidence, Strength, Verification

HEADLINES: dict[Category, str] = {
    "generated": "Made with generative AI",
    "captured": "Captured by a camera",
    "edited": "A capture that was edited",
    "altered": "Changed after it was marked",
    "likely-generated": "Probably made with generative AI",
    "inconclusive": "The evidence does not decide how it was made",
    "no-evidence": "No evidence of how it was made",
}
LONGEST_TITLE = 60  # characters of a work's title; the evidence has all of it
MOST_TITLES = 2
_MATCHES: dict[Strength, str] = {
    "conclusive": "Matches",
    "strong": "Matches",
    "moderate": "Probably matches",
}


def headline(verification: Verification) -> str:
    """What was found: how the media were made, and which known works they match.

    A known work comes first where nothing says how the media were made. Of several works those
    are named whose evidence is strongest; weak evidence is left to the page below.
    """
    category = verification.verdict.category
    matched = _matched(known_works(verification.evidence))
    if not matched:
        return HEADLINES[category]
    told = [matched, HEADLINES[category]]
    return " ".join(f"{part}." for part in (told if category in UNDECIDED else reversed(told)))


def _matched(works: list[Evidence]) -> str:
    if not works:
        return ""
    best = [work for work in works if work.strength == works[0].strength]
    verb = _MATCHES[best[0].strength]
    titles = [_title(work) for work in best]
    if len(titles) == 1:
        return f"{verb} a known work: {titles[0]}"
    if len(titles) <= MOST_TITLES:
        return f"{verb} {len(titles)} known works: {' and '.join(titles)}"
    return f"{verb} several known works: {', '.join(titles[:MOST_TITLES])} and others"


def _title(work: Evidence) -> str:
    """The title on one line, or the work's id; neither can change how the line is read."""
    title = str(work.details.get("title") or work.details.get("work") or "without a name")
    line = " ".join("".join(c if c.isprintable() else " " for c in title).split())
    return f"“{line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + '…'}”"

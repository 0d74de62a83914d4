"""Progress of a verification, examiner by examiner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from assay.api.examining.examination import examiners
from assay.api.records.store import Event

TITLES = {
    "c2pa": "Content Credentials",
    "detector": "Classifier",
    "faces": "Blended faces",
    "fingerprint": "Known works",
    "log": "Signing log",
    "metadata": "Metadata",
    "watermark": "Invisible watermark",
}
LONGEST = 160  # characters of what an examiner found; the result has all of it


@dataclass(frozen=True)
class Step:
    """One examiner."""

    title: str
    done: bool
    told: str


def steps(events: Iterable[Event]) -> list[Step]:
    """A step for each examiner of the attempt at work, in its order; before, of those installed."""
    names = examiners()
    found: dict[str, str] = {}
    for event in events:
        if event.kind == "started":
            names, found = list(event.data["examiners"]), {}
        elif event.kind == "examined":
            found[event.data["examiner"]] = _told(event.data["evidence"])
    return [
        Step(TITLES.get(name, name), name in found, found.get(name, "waiting")) for name in names
    ]


def told(shown: list[Step]) -> str:
    """One sentence for a person who cannot see the list."""
    done = sum(step.done for step in shown)
    if not done:
        return "Waiting for the first examiner."
    if done == len(shown):
        return "Weighing the evidence."
    return f"{done} of {len(shown)} examiners are done."


def _told(evidence: list[dict[str, object]]) -> str:
    text = " ".join(str(item["summary"]) for item in evidence) or "Nothing to say."
    return text if len(text) <= LONGEST else text[: LONGEST - 1].rstrip() + "…"

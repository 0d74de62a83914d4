"""What the demo did and found: one step a file, and the audit."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.evidence import Evidence, Verification
    from assay.reports import Audit

DECIDED_BY = {
    "provenance": "C2PA manifest",
    "integrity": "C2PA manifest",
    "watermark": "watermark",
    "fingerprint": "fingerprint",
    "metadata": "metadata",
    "detector": "classifier",
}


@dataclass(frozen=True)
class Step:
    """One file of the demo: what was done to it, what was expected, what came out."""

    path: Path
    what: str
    expected: tuple[str, ...]
    verification: Verification

    @property
    def category(self) -> str:
        return self.verification.verdict.category

    @property
    def as_expected(self) -> bool:
        return self.category in self.expected

    @property
    def decisive(self) -> Evidence | None:
        """The first piece of evidence that the verdict rests on."""
        because = self.verification.verdict.because
        return next((e for e in self.verification.evidence if e.id in because), None)

    def as_dict(self) -> dict[str, Any]:
        return {
            "file": self.path.name,
            "what": self.what,
            "expected": self.expected,
            "category": self.category,
            "decided_by": self.decisive.finding if self.decisive else None,
        }


@dataclass
class Outcome:
    """Everything the report shows."""

    folder: Path
    generator: str
    steps: list[Step] = field(default_factory=list)
    audit: Audit | None = None
    seconds: float = 0.0

    @property
    def as_expected(self) -> bool:
        return all(step.as_expected for step in self.steps)

"""What examiners write down and what the judge says: the vocabulary of a verification.

Every type is frozen and serialises to the published schema `assay.verification/1`
(docs/reference/schemas/).
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "provenance",
    "watermark",
    "fingerprint",
    "detector",
    "metadata",
    "integrity",
    "not-scored",
]
PointsTo = Literal["generated", "captured", "edited", "altered", "known-work", "nothing"]
Strength = Literal["conclusive", "strong", "moderate", "weak"]
Category = Literal[
    "generated",
    "captured",
    "edited",
    "altered",
    "likely-generated",
    "inconclusive",
    "no-evidence",
]

_KEBAB_CASE = r"^[a-z0-9]+(-[a-z0-9]+)*$"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Evidence(_Frozen):
    """One finding of one examiner. Evidence is never averaged into a single score."""

    id: str = Field(default="", description="Unique within a verification; set by `verify`.")
    examiner: str
    version: str
    kind: Kind
    finding: str = Field(pattern=_KEBAB_CASE, description="Stable kebab-case code.")
    points_to: PointsTo
    strength: Strength
    probability: float | None = Field(
        default=None, ge=0, le=1, description="Calibrated probability, where one is defined."
    )
    log10_false_alarm: float | None = Field(
        default=None, le=0, description="log10 of the chance of this finding on unmarked media."
    )
    summary: str = Field(description="One sentence that a reader understands.")
    details: dict[str, Any] = Field(default_factory=dict)


class NotScored(_Frozen):
    """Something that was asked for and could not be measured."""

    what: str
    why: str


class Verdict(_Frozen):
    """The judge's reading of the evidence."""

    category: Category
    summary: str
    probability_generated: float | None = Field(default=None, ge=0, le=1)
    interval: tuple[float, float] | None = None
    because: tuple[str, ...] = Field(
        default=(), description="Ids of the evidence that decided the category."
    )
    not_scored: tuple[NotScored, ...] = ()


class MediaSummary(_Frozen):
    """Identity and dimensions of the media that were examined."""

    name: str | None = None
    sha256: str
    media_type: str
    size: int = Field(description="bytes")
    width: int | None = Field(default=None, description="pixels, upright")
    height: int | None = Field(default=None, description="pixels, upright")
    frames: int = 1


class Software(_Frozen):
    """What produced a verification, so that a changed verdict can be traced to an upgrade."""

    name: str = "assay"
    version: str
    examiners: dict[str, str] = Field(default_factory=dict)


class Verification(_Frozen):
    """The complete, serialisable answer to "what is this?"."""

    schema_: Literal["assay.verification/1"] = Field(default="assay.verification/1", alias="schema")
    media: MediaSummary
    verdict: Verdict
    evidence: tuple[Evidence, ...]
    software: Software
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )

    def find(self, finding: str) -> Evidence | None:
        """The first evidence with this finding code, or None."""
        return next((e for e in self.evidence if e.finding == finding), None)

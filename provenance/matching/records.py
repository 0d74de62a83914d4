"""What the registry keeps of signed files, and what it gives back."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from assay.evidence import PointsTo
from assay.provenance.matching.receipts import Decision, Receipt
from assay.provenance.vocabulary import (
    CAPTURED_TYPES,
    GENERATED_TYPES,
    PARTLY_GENERATED_TYPES,
    find_source_type,
)

_SAYS: dict[PointsTo, str] = {
    "generated": "it says the picture was made by AI.",
    "edited": "it says the picture was changed or composed with AI.",
    "captured": "it says the picture was captured by a camera.",
    "nothing": "it does not say how the picture was made.",
}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ManifestRecord(_Frozen):
    """A C2PA manifest kept for copies of its file that lose theirs.

    Attributes:
        manifest: the C2PA manifest store (JUMBF).
        payload: 60-bit watermark payload of the file, if it carries one.
        sha256_before, sha256_after: of the file before and after signing.
    """

    label: str
    manifest: bytes = Field(repr=False)
    payload: int | None = None
    sha256_before: str | None = None
    sha256_after: str | None = None
    digital_source_type: str | None = None
    details: dict[str, object] = Field(default_factory=dict)
    created: datetime

    @property
    def origin(self) -> PointsTo:
        """What the manifest says about how the picture was made."""
        source_type = find_source_type(self.digital_source_type)
        if source_type in GENERATED_TYPES:
            return "generated"
        if source_type in PARTLY_GENERATED_TYPES:
            return "edited"
        return "captured" if source_type in CAPTURED_TYPES else "nothing"

    @property
    def description(self) -> str:
        """One clause for a sentence that names the manifest."""
        return _SAYS[self.origin]


class RecoveredManifest(_Frozen):
    """A manifest found by the look of a picture, and why."""

    record: ManifestRecord
    decision: Decision
    receipt: Receipt


class Resemblance(_Frozen):
    """Whether a picture is the one that was registered with a manifest.

    Attributes:
        same: the decision is "match" or "verify".
        summary: one sentence that says why.
    """

    label: str
    same: bool
    decision: Decision | None
    receipt: Receipt | None
    summary: str

    @classmethod
    def of(cls, label: str, decision: Decision, receipt: Receipt) -> Resemblance:
        """What the best comparison with the registered pictures says."""
        return cls(
            label=label,
            same=decision in ("match", "verify"),
            decision=decision,
            receipt=receipt,
            summary=receipt.reason,
        )

    @classmethod
    def missing(cls, label: str) -> Resemblance:
        """Nothing points to the registered picture."""
        return cls(
            label=label,
            same=False,
            decision=None,
            receipt=None,
            summary="Neither hashes nor geometry connect it with the registered picture.",
        )

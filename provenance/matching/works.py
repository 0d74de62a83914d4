"""What a registrant says about a work."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal, Self
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from assay.provenance.matching.errors import WorkRefused

WorkKind = Literal[
    "photograph", "illustration", "video", "logo", "chart", "text", "template", "other"
]
# Kinds that share layout without sharing content: geometry must confirm every match.
GRAPHIC_KINDS = frozenset({"logo", "chart", "text", "template"})


class Work(BaseModel):
    """One registered work; every field but the id may be left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = Field(default_factory=lambda: f"work-{uuid4()}", min_length=1, max_length=200)
    title: str = ""
    rights_holder: str = ""
    licence: str = Field(default="", description="SPDX id or name of the licence.")
    terms: str = Field(default="", description="Address or text of the terms of use.")
    training_opt_out: bool = Field(
        default=False, description="The rights holder reserves use for training."
    )
    sources: tuple[str, ...] = Field(default=(), description="Where the work is published.")
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    registrant: str = Field(default="", description="Who registered the work.")
    dispute: str = Field(default="", description="Address to which a match can be disputed.")
    kind: WorkKind = "photograph"
    local_search: bool | None = Field(
        default=None,
        description="Find crops and collages of it too, at 29 kB of memory a picture. "
        "Left out: yes while the registry is small.",
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError("valid_from is after valid_until")
        return self

    @classmethod
    def parse(cls, fields: dict[str, Any] | Work) -> Work:
        """Check what a registrant wrote.

        Raises:
            WorkRefused: a field is unknown or has a value that cannot be used.
        """
        if isinstance(fields, Work):
            return fields
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "work"
            raise WorkRefused(
                f"{place}: {first['msg']}",
                advice=f"fields of a work: {', '.join(cls.model_fields)}",
            ) from error

    def in_force(self, at: datetime | None = None) -> bool:
        """Whether the registration is valid at this time (default: now)."""
        at = at or datetime.now(UTC)
        started = self.valid_from is None or _aware(self.valid_from) <= at
        ended = self.valid_until is not None and _aware(self.valid_until) < at
        return started and not ended


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)

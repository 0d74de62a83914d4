"""What an auditor may choose; every choice is printed in the report."""

from __future__ import annotations

from datetime import date as calendar_date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assay.reports.fairness.results import System


class AuditOptions(BaseModel):
    """Options of `assay.audit`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: Path | None = Field(default=None, description="Long label table.")
    reference: Path | None = Field(default=None, description="Reference distributions.")
    title: str = "Fairness audit of generated pictures"
    system: System = Field(default_factory=System)
    auditor: str = "not stated"
    independence: str = "not stated"
    date: str = Field(default_factory=lambda: calendar_date.today().isoformat())
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="Family-wise error rate.")
    power: float = Field(default=0.8, gt=0.5, lt=1, description="Wanted power.")
    smallest_effect: float = Field(
        default=0.2,
        gt=0,
        le=1,
        description="Total variation worth finding. 0.2 is what 100 pictures a prompt can show "
        "with 80 % power after correction for ten claims.",
    )
    smallest_shift: float = Field(
        default=0.5,
        gt=0,
        description="Shift of a quality measure worth finding, in standard deviations. Half of "
        "one is what Cohen (1988) calls a medium effect.",
    )
    smallest_cell: int = Field(
        default=30, ge=1, description="Groups with fewer pictures are not shown singly."
    )
    most_unanswered: float = Field(
        default=0.2, ge=0, le=1, description="Above this share of unanswered no verdict is given."
    )
    simulations: int = Field(default=9_999, ge=999)
    seed: int = Field(default=0, ge=0, description="Seed of every simulation.")
    hash_pictures: bool = Field(
        default=True,
        description="Decode every picture, leave out those that cannot be examined, and bind the "
        "report to the content of the others.",
    )
    annotators: tuple[str, ...] = Field(
        default=(), description="Installed annotators to run, such as skin-tone."
    )
    boxes: Path | None = Field(default=None, description="Table of face boxes.")
    yunet: Path | None = Field(default=None, description="YuNet model file for face boxes.")
    clip: Path | None = Field(default=None, description="Folder of a local CLIP model.")
    descriptions: Path | None = Field(default=None, description="Texts for the CLIP model.")
    command: str | None = Field(default=None, description="External annotator command.")
    earlier: Path | None = Field(default=None, description="report.json of an earlier audit.")
    declared: Path | None = Field(
        default=None, description="Values that prompts name: attribute, value, words."
    )
    gold: str | None = Field(
        default=None, description="Rater whose labels reveal the errors of the others."
    )
    ordinal: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="Attributes whose values have an order, lowest first."
    )
    outcomes: tuple[str, ...] = Field(
        default=(), description="Manifest columns that hold a favourable outcome, yes or no."
    )
    quality: tuple[str, ...] = Field(
        default=(), description="Manifest columns that hold a number to compare between groups."
    )
    instruments: bool = Field(
        default=False, description="Measure detector and watermark on every picture."
    )
    origins: bool = Field(
        default=False, description="Read and validate the C2PA manifest of every picture."
    )

"""What a caller gets: matches with the proof that led to them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from assay.provenance.matching.fingerprints import ALGORITHM

Decision = Literal["match", "verify", "review"]
DECISION_ORDER: tuple[Decision, ...] = ("match", "verify", "review")
DistanceBand = Literal["same", "near", "similar", "far"]

LOWEST_CLAIM = -12.0
"""log10; no registry is large enough to check a rarer chance than this."""

_BANDS: tuple[tuple[int, DistanceBand], ...] = ((10, "same"), (31, "near"), (63, "similar"))


def distance_band(bits: int) -> DistanceBand:
    """A distance as callers may see it: exact distances would let a forger climb."""
    return next((band for most, band in _BANDS if bits <= most), "far")


def band_end(bits: int) -> int:
    """The largest distance of the band that a distance is in."""
    return next((most for most, _ in _BANDS if bits <= most), 256)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Geometry(_Frozen):
    """Where the query lies in the work, from local features that agree."""

    inliers: int = Field(description="Keypoints that agree, counted once a place.")
    matches: int = Field(description="Keypoints that were paired.")
    coverage: float = Field(description="Share of the shown part of the work that agrees.")
    matched_box: tuple[float, float, float, float] = Field(
        description="Part of the work that the query shows: left, top, right, bottom, 0..1."
    )
    query_box: tuple[float, float, float, float] = Field(
        description="Part of the query that shows the work: left, top, right, bottom, 0..1."
    )
    transform: tuple[tuple[float, float, float], tuple[float, float, float]] = Field(
        description="2x3 similarity, query to work, both at a longest side of 512 pixels."
    )
    query_pass: str = Field(description="Scale at which the query was looked at.")
    mirrored: bool
    inverted: bool


class TimeRange(_Frozen):
    """Seconds of the query and the seconds of the work that they show."""

    query: tuple[float, float]
    work: tuple[float, float]
    frames: int


class Receipt(_Frozen):
    """Why a work was named, enough to check it and to dispute it."""

    algorithm: str = ALGORITHM
    created: datetime = Field(default_factory=lambda: datetime.now(UTC))
    reason: str = Field(description="One sentence that a reader understands.")
    probe: str | None = Field(
        description="Part and orientation of the query whose hash was near; null where hashes "
        "were not near and features decided."
    )
    distance_band: DistanceBand | None = None
    second_hash_agrees: bool | None = None
    distance: int | None = Field(default=None, description="Bits of PDQ; trusted callers only.")
    geometry: Geometry | None = None
    log10_false_match: float = Field(
        le=0,
        description="log10 of the expected number of false matches an upload like this; rarer "
        "chances than 10^-12 cannot be checked and are not claimed.",
    )
    works_searched: int
    threshold: int = Field(description="Bits of PDQ within which hashes alone may decide.")
    registrant: str = ""
    dispute: str = ""
    query_seconds: float | None = Field(
        default=None, description="Position of the frame that was compared, in a video."
    )
    work_seconds: float | None = Field(
        default=None, description="Position of the work's frame, where the work is a video."
    )
    time_ranges: tuple[TimeRange, ...] = ()


class Match(_Frozen):
    """A registered work that the query may copy."""

    work_id: str
    decision: Decision
    receipt: Receipt

"""A registered work beside the file that copies it: which part, and in videos which stretch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from assay.api.pages.work_pictures import WorkPicture

RECEIPT_SIDE = 512  # longest side, in pixels, at which receipts state transforms
MOST_RANGES = 5  # stretches of a video in one sentence; the details have all


@dataclass(frozen=True)
class Box:
    """A rectangle in the units of its drawing."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class KnownWork:
    """A registered work and the part of it that was found.

    Attributes:
        fits: whether the examined picture can be drawn into the frame as it is.
    """

    title: str
    picture: str | None
    width: int
    height: int
    box: Box | None
    box_told: str
    fits: bool


def known_work(
    work: str, receipt: Mapping[str, Any], kept: WorkPicture | None, query: tuple[int, int]
) -> KnownWork:
    """What is drawn of one match.

    Args:
        work: id of the work.
        receipt: of the match, as JSON.
        kept: the small picture of the work, if there is one.
        query: width and height of what was examined, at any scale; (0, 0) when not known.
    """
    geometry = receipt.get("geometry") or {}
    width, height = (kept.width, kept.height) if kept else _size_of_work(geometry, query)
    box, share = None, 1.0
    if geometry and width and height:
        left, top, right, bottom = geometry["matched_box"]
        box = Box(left * width, top * height, (right - left) * width, (bottom - top) * height)
        share = max(0.0, right - left) * max(0.0, bottom - top)
    return KnownWork(
        title=(kept.title if kept and kept.title else "The registered work"),
        picture=f"/works/{quote(work, safe='')}/picture.png" if kept else None,
        width=width,
        height=height,
        box=box,
        box_told=_told(receipt, box, share),
        fits=bool(geometry) and _is_upright(geometry),
    )


def _told(receipt: Mapping[str, Any], box: Box | None, share: float) -> str:
    times = _times(receipt.get("time_ranges") or ())
    if not times and receipt.get("query_seconds") is not None:
        times = f"It was found at {_clock(receipt['query_seconds'])} of this video."
    if times and (box is None or share > 0.99):
        return times
    if box is None:
        return "The whole look of the work was recognised."
    part = f"The frame holds the part that was found, {100 * share:.0f} % of the work"
    return f"{times} {part}’s picture." if times else f"{part}."


def _times(ranges: Sequence[Mapping[str, Any]]) -> str:
    """Which stretch of a video shows which stretch of the work, in a sentence."""
    spans = [(_span(*each["query"]), _span(*each["work"])) for each in ranges]
    told = ", ".join(f"{here} of this video shows {there}" for here, there in spans[:MOST_RANGES])
    more = len(spans) - MOST_RANGES
    rest = f" {more} more stretches are in the details." if more > 0 else ""
    return f"{told} of the work.{rest}" if told else ""


def _span(start: float, end: float) -> str:
    return f"{_clock(start)} to {_clock(end)}"


def _clock(seconds: float) -> str:
    """A position in a video as players show it."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _size_of_work(geometry: Mapping[str, Any], query: tuple[int, int]) -> tuple[int, int]:
    """Width and height of the work at a longest side of about 512, from where the query lies.

    The transform of a receipt maps the query to the work, both at that size; (0, 0) when the
    receipt has none.
    """
    if not geometry or not all(query):
        return 0, 0
    left, top, right, bottom = geometry["matched_box"]
    (a, b, _), _ = geometry["transform"]
    unit = math.hypot(a, b) * RECEIPT_SIDE / max(query)
    if right <= left or bottom <= top:
        return 0, 0
    return round(query[0] * unit / (right - left)), round(query[1] * unit / (bottom - top))


def _is_upright(geometry: Mapping[str, Any]) -> bool:
    """Whether the query can be drawn into its frame as it is."""
    (a, b, _), _ = geometry["transform"]
    return not geometry["mirrored"] and abs(math.atan2(b, a)) < math.radians(3)

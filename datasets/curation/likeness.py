"""What two pictures have in common, as whoever compares them tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from assay.datasets.curation.folders import Item
from assay.media import Media

Decision = Literal["match", "verify", "review"]
DECISIONS: tuple[Decision, ...] = ("match", "verify", "review")
Box = tuple[float, float, float, float]

SAME_FILE = "The files are the same, byte for byte."


@dataclass(frozen=True)
class Likeness:
    """One known picture that the picture in question may copy.

    Attributes:
        of: name of the known picture or work.
        decision: "match" (a copy), "verify" (probably) or "review" (perhaps).
        whole: at least half of either shows in the other and agrees; else it is a detail, a
            collage, or another picture of the scene.
        reason: one sentence.
        box: part of the known picture that is shown, (left, top, right, bottom) as fractions.
        query_box: part of the picture in question that shows it, likewise.
        seconds: of videos, how long both run in step; None for stills.
        query_at, known_at: seconds into either, of the frames that are most alike.
    """

    of: str
    decision: Decision
    whole: bool
    reason: str
    box: Box | None = None
    query_box: Box | None = None
    seconds: float | None = None
    query_at: float | None = None
    known_at: float | None = None


class Known(Protocol):
    """Pictures that others are compared with."""

    def like(self, media: Media) -> list[Likeness]:
        """Every known picture that this one may copy, best first; the picture is not added."""
        ...

    def add(self, media: Media, name: str) -> None:
        """Make a picture known."""
        ...


@dataclass(frozen=True)
class Pair:
    """Two files of one set, or a file and what it copies; details are as in `Likeness`."""

    file: str
    of: str
    decision: Decision
    whole: bool
    reason: str
    file_box: Box | None = None
    of_box: Box | None = None
    file_at: float | None = None
    of_at: float | None = None

    @property
    def rank(self) -> tuple[int, bool, str, str]:
        """Strongest first."""
        return DECISIONS.index(self.decision), not self.whole, self.file, self.of


def pair_of(item: Item, found: Likeness, other: Item | None = None) -> Pair:
    """A likeness as a pair. With both files at hand, durations are compared too.

    A still is not the whole of a video, nor ten seconds the whole of a minute.
    """
    whole = found.whole
    if other is not None:
        whole = whole and item.moving == other.moving
        if whole and item.moving:
            longer = max(item.duration, other.duration)
            whole = found.seconds is not None and found.seconds >= longer / 2
    return Pair(
        file=item.name,
        of=found.of,
        decision=found.decision,
        whole=whole,
        reason=found.reason,
        file_box=found.query_box,
        of_box=found.box,
        file_at=found.query_at,
        of_at=found.known_at,
    )

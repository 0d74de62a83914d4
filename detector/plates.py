"""The pictures of an explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.detector.scoring import Score


@dataclass(frozen=True)
class Plate:
    """One picture of an explanation.

    Attributes:
        name: stable kebab-case code.
        title, caption: in words; the caption says what it can and what it cannot show.
        png: the picture.
        exploratory: True for maps that take no part in the score.
    """

    name: str
    title: str
    caption: str
    png: bytes
    exploratory: bool = False


@dataclass(frozen=True)
class Explanation:
    """A score with what stands behind it.

    Attributes:
        score: what is explained; None for video.
        reasons: sentences on the feature groups that weighed most.
        plates: heat map and spectrum first, exploratory maps last.
    """

    score: Score | None
    reasons: tuple[str, ...]
    plates: tuple[Plate, ...]

    @property
    def maps(self) -> dict[str, bytes]:
        """PNG by name."""
        return {plate.name: plate.png for plate in self.plates}

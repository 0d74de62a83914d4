"""Pairs of pictures side by side, for a person to judge: self-contained HTML pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.reports.rendering.page import render

PAIRS_A_PAGE = 60  # about 2 MB with thumbnails


@dataclass(frozen=True)
class Side:
    """One picture of a pair.

    Attributes:
        name: of the file or work.
        picture: data URI of a reduced copy; None where there is none to show.
        facts: what is known about it, by name.
    """

    name: str
    picture: str | None
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SideBySide:
    """A pair with what was decided about it.

    Attributes:
        decision: in words.
        reason: one sentence.
    """

    left: Side
    right: Side
    decision: str
    reason: str


@dataclass(frozen=True)
class PageOfPairs:
    """Where a page stands among its neighbours.

    Attributes:
        number, of: this page, from 1, and how many there are.
        first: number of its first pair, from 1.
        total: pairs on all pages, and those that no page shows.
    """

    number: int
    of: int
    first: int
    total: int


def page_name(number: int) -> str:
    """File name of a page, from 1."""
    return f"pairs-{number:03d}.html"


def render_pairs(
    pairs: Sequence[SideBySide],
    page: PageOfPairs,
    *,
    title: str,
    headline: str,
    facts: Sequence[tuple[str, str]],
    sides: tuple[str, str],
) -> str:
    """HTML of one page: no script, nothing from outside.

    Args:
        pairs: those of this page.
        headline: one sentence above them.
        facts: figures of the whole run, by name.
        sides: what the left and the right pictures are.
    """
    return render(
        "pairs.html",
        pairs=pairs,
        page=page,
        title=title,
        headline=headline,
        facts=facts,
        sides=sides,
        previous=page_name(page.number - 1) if page.number > 1 else None,
        following=page_name(page.number + 1) if page.number < page.of else None,
    )

"""The first sentence names the known work that was found, and claims no more than the evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from assay.evidence import Category, Evidence, MediaSummary, Software, Verdict, Verification
from assay.reports.headlines import HEADLINES, LONGEST_TITLE, headline
from assay.reports.verification import render_html


def work(title: str, strength: str = "strong", name: str = "") -> Evidence:
    return Evidence.model_validate(
        {
            "id": f"e-{title}",
            "examiner": "fingerprint",
            "version": "1",
            "kind": "fingerprint",
            "finding": "known-work",
            "points_to": "known-work",
            "strength": strength,
            "summary": "This is a copy of a registered work.",
            "details": {"work": name, "title": title},
        }
    )


def verification(category: Category, *works: Evidence) -> Verification:
    return Verification(
        media=MediaSummary(name="a.png", sha256="ab" * 32, media_type="image/png", size=12345),
        verdict=Verdict(category=category, summary="As the evidence says."),
        evidence=works,
        software=Software(version="0.1.0"),
        created=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
    )


def test_a_match_is_said_before_that_the_origin_is_open() -> None:
    found = verification("no-evidence", work("Cup"))

    assert headline(found) == "Matches a known work: “Cup”. No evidence of how it was made."
    assert f"<h1>{headline(found)}</h1>" in render_html(found)


def test_a_match_is_said_after_a_known_origin() -> None:
    expected = "Made with generative AI. Matches a known work: “Cup”."
    assert headline(verification("generated", work("Cup"))) == expected


@pytest.mark.parametrize("category", get_args(Category))
def test_every_category_says_both(category: Category) -> None:
    told = headline(verification(category, work("Cup")))

    assert HEADLINES[category] in told
    assert "Matches a known work: “Cup”" in told
    assert headline(verification(category)) == HEADLINES[category]


def test_a_moderate_finding_is_only_probable_and_a_weak_one_not_in_the_headline() -> None:
    probable = verification("no-evidence", work("Cup", "moderate"))
    assert headline(probable).startswith("Probably matches a known work: “Cup”.")
    weak = verification("no-evidence", work("Cup", "weak"))
    assert headline(weak) == HEADLINES["no-evidence"]


@pytest.mark.parametrize(
    ("works", "begin"),
    [
        ([work("A"), work("B")], "Matches 2 known works: “A” and “B”."),
        (
            [work("A"), work("B"), work("C")],
            "Matches several known works: “A”, “B” and others.",
        ),
        ([work("A", "moderate"), work("B")], "Matches a known work: “B”."),
    ],
)
def test_several_works(works: list[Evidence], begin: str) -> None:
    assert headline(verification("no-evidence", *works)).startswith(f"{begin} No evidence")


@pytest.mark.parametrize(
    ("title", "told"),
    [
        ("", "“work-7”"),
        ("two\nlines\u202e", "“two lines”"),
        ("x" * 200, f"“{'x' * (LONGEST_TITLE - 1)}…”"),
    ],
)
def test_titles_stay_on_their_line(title: str, told: str) -> None:
    found = verification("no-evidence", work(title, name="work-7"))
    assert headline(found).startswith(f"Matches a known work: {told}.")

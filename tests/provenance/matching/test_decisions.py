"""Thresholds keep a budget, and decisions follow from what was found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.provenance.matching.decisions import Findings, decide
from assay.provenance.matching.geometry import Alignment, log10_chance
from assay.provenance.matching.hash_index import Hits
from assay.provenance.matching.keypoint_search import count_votes
from assay.provenance.matching.receipts import band_end, distance_band
from assay.provenance.matching.thresholds import (
    PDQ_DEVIATION,
    Budget,
    log10_false_match,
    thresholds,
)

LIMITS = thresholds(100_000, 22, Budget())
NOTHING = Findings(
    pdq=120,
    difference=120,
    alignment=None,
    graphic=False,
    hashable=True,
    same_colours=False,
    same_file=False,
    in_force=True,
)
ALIGNED = Alignment(
    transform=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    inliers=40,
    matches=90,
    coverage=0.95,
    cells=50,
    log10_chance=-60.0,
    box=(0.0, 0.0, 1.0, 1.0),
    query_box=(0.0, 0.0, 1.0, 1.0),
)

EVENLY = 2.6e-4  # chance that a wrong pair agrees, where keypoints are spread evenly


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, None),
        ({"same_file": True}, "match"),
        ({"alignment": ALIGNED}, "match"),
        ({"alignment": replace(ALIGNED, inliers=9)}, None),
        ({"alignment": replace(ALIGNED, inliers=15)}, "match"),
        ({"alignment": replace(ALIGNED, coverage=0.2)}, "match"),
        ({"alignment": replace(ALIGNED, inliers=15, coverage=0.2)}, "verify"),
        (
            {"alignment": replace(ALIGNED, inliers=15, coverage=0.2), "pdq": 9, "difference": 9},
            "match",
        ),
        ({"alignment": replace(ALIGNED, inliers=15, cells=3)}, "verify"),
        ({"alignment": replace(ALIGNED, log10_chance=0.5)}, None),
        ({"pdq": 10, "difference": 10}, "match"),
        ({"pdq": 10, "difference": 120}, "review"),
        ({"pdq": 120, "difference": 10}, "review"),
        ({"pdq": 40, "difference": 10}, "verify"),
        ({"pdq": 10, "difference": 10, "hashable": False, "graphic": True}, "review"),
        ({"pdq": 10, "difference": 120, "hashable": False, "graphic": True}, None),
        ({"alignment": ALIGNED, "graphic": True}, "review"),
        ({"alignment": ALIGNED, "graphic": True, "pdq": 5, "same_colours": True}, "match"),
        ({"alignment": ALIGNED, "graphic": True, "pdq": 5}, "review"),
        ({"same_file": True, "in_force": False}, "review"),
    ],
)
def test_decision(changes: dict[str, object], expected: str | None) -> None:
    decided = decide(replace(NOTHING, **changes), LIMITS)  # type: ignore[arg-type]

    assert (None if decided is None else decided[0]) == expected


@given(st.integers(1, 10**9), st.integers(1, 30))
def test_threshold_keeps_the_budget_at_every_size(works: int, probes: int) -> None:
    budget = Budget()
    limits = thresholds(works, probes, budget)

    comparisons = max(works, 1000) * probes
    bound = np.log10(budget.matches) + 1e-9
    assert limits.match_pdq <= 31
    assert log10_false_match(limits.match_pdq, PDQ_DEVIATION, comparisons) <= bound
    larger = thresholds(works * 10, probes, budget)
    assert larger.review_pdq <= limits.review_pdq
    assert larger.candidate_pdq <= limits.candidate_pdq


@given(st.integers(11, 300), st.integers(0, 300))
def test_more_inliers_are_less_likely_by_chance(inliers: int, more: int) -> None:
    matches = inliers + more

    assert log10_chance(inliers, matches, EVENLY) <= log10_chance(10, matches, EVENLY)


def test_ten_of_a_hundred_pairs_do_not_agree_by_chance() -> None:
    assert log10_chance(10, 100, EVENLY) < -10
    assert log10_chance(3, 100, EVENLY) > 0


@given(st.integers(0, 256))
def test_bands_hide_the_distance(bits: int) -> None:
    assert bits <= band_end(bits)
    assert distance_band(bits) == distance_band(band_end(bits))


def test_shared_texture_counts_little() -> None:
    query = [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 3, 4, 5]
    work = [1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 7, 7, 7, 7]
    hits = Hits(np.array(query), np.array(work), np.zeros(14, np.int64))

    assert count_votes(hits) == {7: 4.0}

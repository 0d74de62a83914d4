"""Statistics against oracles, published worked examples and planted truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from assay.reports.statistics import distance
from assay.reports.statistics.clusters import cluster_effect
from assay.reports.statistics.intervals import clopper_pearson, wilson
from assay.reports.statistics.multiplicity import benjamini_hochberg, holm
from assay.reports.statistics.representation import RepresentationTest


@given(st.integers(0, 400), st.integers(1, 400))
def test_intervals_equal_statsmodels(successes: int, n: int) -> None:
    successes = min(successes, n)
    assert wilson(successes, n) == pytest.approx(
        proportion_confint(successes, n, method="wilson"), abs=1e-9
    )
    assert clopper_pearson(successes, n) == pytest.approx(
        proportion_confint(successes, n, method="beta"), abs=1e-9
    )


def test_wilson_published_example() -> None:
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3: 81/263 and 0/20.
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20) == pytest.approx((0, 0.1611), abs=5e-5)


@pytest.mark.parametrize("size", [1, 2, 7, 60])
def test_corrections_equal_statsmodels(size: int) -> None:
    p_values = (np.random.default_rng(size).random(size) ** 3).round(3).tolist()
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1])
    assert benjamini_hochberg(p_values) == pytest.approx(
        multipletests(p_values, method="fdr_bh")[1]
    )


def test_holm_published_example() -> None:
    # Holm 1979, worked by Aickin and Gensler 1996: the order of the input is kept.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_distances_of_known_distributions() -> None:
    assert distance.total_variation([0.7, 0.3], [0.5, 0.5]) == pytest.approx(0.2)
    assert distance.total_variation([1, 0], [0, 1]) == 1
    assert distance.jensen_shannon([1, 0], [0, 1]) == pytest.approx(1)
    assert distance.normalised_entropy([0.25] * 4) == pytest.approx(1)
    assert distance.normalised_entropy([1, 0, 0]) == 0
    # DALL-Eval's deviation is 2 TV / K against the uniform distribution.
    assert distance.mean_absolute_deviation([0.7, 0.2, 0.1]) == pytest.approx(
        2 / 3 * distance.total_variation([0.7, 0.2, 0.1], [1 / 3] * 3)
    )


def _distance(counts: np.ndarray, added: list[int], reference: np.ndarray) -> float:
    return distance.total_variation(distance.shares(counts + np.array(added)), reference)


def test_bounds_hold_for_every_assignment_of_the_unanswered() -> None:
    counts, unanswered, reference = np.array([6, 3, 1]), 4, np.array([0.2, 0.3, 0.5])
    low, high = distance.total_variation_bounds(counts, unanswered, reference)
    reached = [
        distance.total_variation(
            distance.shares(np.add(counts, [a, b, unanswered - a - b])), reference
        )
        for a in range(unanswered + 1)
        for b in range(unanswered + 1 - a)
    ]
    assert low <= min(reached) + 1e-12
    assert high == pytest.approx(max(reached))


@pytest.mark.parametrize(
    ("values", "n", "mean", "upper"),
    [(2, 9, 0.138, 0.278), (2, 100, 0.041, 0.100), (10, 50, 0.167, 0.240)],
)
def test_null_floor_of_a_perfect_generator(values: int, n: int, mean: float, upper: float) -> None:
    floor = RepresentationTest().floor(n, [1 / values] * values)
    assert floor == pytest.approx((mean, upper), abs=0.006)


def test_p_value_equals_the_exact_binomial_for_two_values() -> None:
    from scipy.stats import binomtest

    test = RepresentationTest(simulations=50_000)
    exact = binomtest(60, 100, 0.5).pvalue
    assert test.p_value(0.1, 100, [0.5, 0.5]) == pytest.approx(exact, abs=0.005)


def test_minimum_detectable_effect_has_the_planned_power() -> None:
    test = RepresentationTest(seed=1)
    detectable = test.minimum_detectable(100, [0.5, 0.5])
    rng = np.random.default_rng(3)
    counts = rng.binomial(100, 0.5 + detectable, size=4000)
    null = test.null(100, [0.5, 0.5])
    rejected = [
        (1 + (null >= abs(c / 100 - 0.5) - 1e-9).sum()) / (null.size + 1) <= 0.05 for c in counts
    ]
    assert np.mean(rejected) == pytest.approx(0.8, abs=0.05)


def test_interval_contains_the_truth_and_the_estimate() -> None:
    test = RepresentationTest()
    low, high = test.interval([0.7, 0.3], 400, [0.5, 0.5])
    assert low < 0.2 < high
    assert (low, high) == pytest.approx((0.153, 0.243), abs=0.006)  # Wilson of 280/400, minus 0.5
    assert test.interval([0.5, 0.5], 400, [0.5, 0.5])[0] == 0


def test_zero_reference_share_is_testable() -> None:
    test = RepresentationTest()
    assert test.p_value(0.2, 50, [1.0, 0.0]) < 0.001


def test_same_seed_same_result_whatever_came_before() -> None:
    fresh, used = RepresentationTest(seed=4), RepresentationTest(seed=4)
    used.null(77, [0.2, 0.8])
    assert used.floor(50, [0.5, 0.5]) == fresh.floor(50, [0.5, 0.5])


def test_design_effect_of_copied_pictures() -> None:
    # Every picture twice under one seed: the variance doubles.
    rng = np.random.default_rng(0)
    ones = (rng.random(500) < 0.4).astype(float)
    values = np.repeat(ones, 2)
    indicators = np.stack([values, 1 - values], axis=1)
    clusters = np.repeat(np.arange(500), 2)
    effect = cluster_effect(indicators, clusters, np.zeros(1000, dtype=np.intp))
    assert effect.design_effect == pytest.approx(2, abs=0.05)
    assert effect.clusters == 500

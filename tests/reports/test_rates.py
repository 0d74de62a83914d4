"""Rates, pairs, agreement, errors and amplification against oracles and planted truth."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, selection_rate
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_effectsize

from assay.reports.statistics.agreement import cohen_kappa, krippendorff_alpha
from assay.reports.statistics.amplification import amplification
from assay.reports.statistics.misclassification import correct_shares
from assay.reports.statistics.paired import distance_change, paired_difference
from assay.reports.statistics.planning import pictures_per_group, pictures_per_prompt
from assay.reports.statistics.rates import (
    difference_interval,
    homogeneity_p,
    impact_ratios,
    ratio_interval,
)
from assay.reports.statistics.representation import RepresentationTest

COUNTS = st.integers(1, 80).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n)))


@given(COUNTS, COUNTS)
def test_ratio_and_difference_intervals_equal_statsmodels(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    ours = difference_interval(*one, *other)
    theirs = confint_proportions_2indep(*one, *other, compare="diff", method="newcomb")
    assert ours == pytest.approx(theirs, abs=1e-9)
    low, high = ratio_interval(*one, *other)
    assert low <= one[0] / one[1] / (other[0] / other[1]) <= high


def test_koopman_interval_equals_statsmodels() -> None:
    theirs = confint_proportions_2indep(
        20, 50, 30, 50, compare="ratio", method="score", correction=False
    )
    assert ratio_interval(20, 50, 30, 50) == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize(("a", "b"), [(0, 5), (5, 0), (0, 0), (50, 50)])
def test_ratio_interval_at_the_edges(a: int, b: int) -> None:
    low, high = ratio_interval(a, 50, b, 50)
    assert 0 <= low <= high
    assert (low == 0) == (a == 0)
    assert (high == np.inf) == (b == 0)


def test_impact_ratios_equal_fairlearn() -> None:
    rng = np.random.default_rng(0)
    groups = rng.choice(["a", "b", "c"], 600)
    selected = (rng.random(600) < np.where(groups == "a", 0.3, 0.6)).astype(int)
    frame = MetricFrame(
        metrics=selection_rate, y_true=selected, y_pred=selected, sensitive_features=groups
    )
    names = list(frame.by_group.index)
    ours = impact_ratios(
        [int(selected[groups == g].sum()) for g in names], [int((groups == g).sum()) for g in names]
    )
    assert min(r.ratio for r in ours if r.ratio is not None) == pytest.approx(frame.ratio())
    assert ours[names.index("a")].flagged
    assert not any(ours[names.index(g)].flagged for g in ("b", "c"))


def test_identical_groups_are_rarely_flagged() -> None:
    rng = np.random.default_rng(1)
    samples = rng.binomial(30, 0.5, size=(1000, 2))
    naive = np.mean(samples.min(axis=1) / samples.max(axis=1) < 0.8)
    ours = np.mean([any(r.flagged for r in impact_ratios(s, [30, 30])) for s in samples.tolist()])
    assert naive > 0.3
    assert ours < 0.05


def test_homogeneity_without_variation_is_certain() -> None:
    assert homogeneity_p([10, 10], [10, 10]) == 1
    assert homogeneity_p([0, 30, 0], [30, 30, 30]) < 1e-6


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=5, max_size=40))
def test_kappa_equals_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    one, other = [p[0] for p in pairs], [p[1] for p in pairs]
    if len(set(one) | set(other)) < 2:
        assert cohen_kappa(one, other, "abc") is None
        return
    for weights in ("none", "quadratic"):
        theirs = cohen_kappa_score(
            one, other, labels=list("abc"), weights=None if weights == "none" else weights
        )
        assert cohen_kappa(one, other, "abc", weights=weights) == pytest.approx(theirs)


def test_krippendorff_published_example() -> None:
    # Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section C:
    # four observers, twelve units, missing data; alpha is 0.743 nominal, 0.815 ordinal.
    observers = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    table = [row.split() for row in observers]
    units = [[v for v in unit if v != "."] for unit in zip(*table, strict=True)]
    assert krippendorff_alpha(units, "12345") == pytest.approx(0.743, abs=5e-4)
    assert krippendorff_alpha(units, "12345", level="ordinal") == pytest.approx(0.815, abs=5e-4)
    numbers = [[np.nan if v == "." else int(v) for v in row] for row in table]
    for level in ("nominal", "ordinal"):
        theirs = krippendorff.alpha(reliability_data=numbers, level_of_measurement=level)
        assert krippendorff_alpha(units, "12345", level=level) == pytest.approx(theirs)


def test_krippendorff_is_undefined_without_pairs_or_variation() -> None:
    assert krippendorff_alpha([["a"], ["b"]], "ab") is None
    assert krippendorff_alpha([["a", "a"], ["a", "a"]], "ab") is None


def test_rogan_gladen_worked_example() -> None:
    # A rater right on 90 % of one value and 75 % of the other turns 50/50 into 57.5/42.5.
    confusion = np.array([[180.0, 20.0], [50.0, 150.0]])
    corrected = correct_shares(np.array([575.0, 425.0]), confusion)
    assert corrected is not None
    assert corrected.shares == pytest.approx([0.5, 0.5])
    assert corrected.intervals[0, 0] < 0.45 < 0.55 < corrected.intervals[0, 1]


def test_hopeless_annotators_are_not_corrected() -> None:
    assert correct_shares(np.array([50.0, 50.0]), np.array([[50.0, 50.0], [50.0, 50.0]])) is None
    assert correct_shares(np.array([50.0, 50.0]), np.array([[50.0, 0.0], [0.0, 0.0]])) is None


def test_mcnemar_equals_statsmodels() -> None:
    found = paired_difference(30, 10, 100)
    theirs = mcnemar([[40, 30], [10, 20]], exact=True)
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.difference == pytest.approx(0.2)
    assert found.interval[0] < 0.2 < found.interval[1]


def test_amplification_recovers_a_planted_slope() -> None:
    rng = np.random.default_rng(2)
    q = np.linspace(0.1, 0.9, 12)
    counts = rng.binomial(400, expit(1.6 * logit(q)))
    found = amplification(counts.tolist(), [400] * 12, q.tolist())
    assert found is not None
    assert found.interval[0] < 1.6 < found.interval[1]
    assert found.interval[0] > 1
    assert found.mean_shift > 0
    assert amplification([5, 6, 7], [10] * 3, [0.2, 0.3, 0.4]) is None
    assert amplification([5] * 5, [10] * 5, [0.5] * 5) is None


def test_distance_change_finds_a_mended_generator() -> None:
    rng = np.random.default_rng(3)
    before = np.eye(2)[(rng.random(300) < 0.15).astype(int)]
    after = np.eye(2)[(rng.random(300) < 0.45).astype(int)]
    reference = np.array([0.5, 0.5])
    found = distance_change(before, after, reference)
    assert found.change < -0.2
    assert found.interval[1] < 0
    assert found.p_value < 0.001
    assert distance_change(before, before, reference).p_value == 1


def test_group_sizes_equal_statsmodels() -> None:
    theirs = NormalIndPower().solve_power(proportion_effectsize(0.5, 0.4), alpha=0.05, power=0.8)
    assert pictures_per_group(0.5, 0.4) == int(np.ceil(theirs)) == 388


def test_planned_pictures_give_the_planned_power() -> None:
    test = RepresentationTest()
    n = pictures_per_prompt([0.5, 0.5], 0.15, claims=5, test=test)
    assert test.power(n, [0.5, 0.5], 0.15, alpha=0.01) == pytest.approx(0.8, abs=0.05)
    assert pictures_per_prompt([0.5, 0.5], 0.3) < n

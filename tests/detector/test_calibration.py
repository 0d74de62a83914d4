"""Probabilities and thresholds mean what they say on data where the truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.detector.calibration import (
    Calibration,
    distrust,
    platt,
    trustworthy,
    worst_source_threshold,
)
from assay.detector.evaluation.metrics import (
    auc,
    auc_by_group,
    bootstrap_interval,
    expected_calibration_error,
    macro,
    stratified_auc,
    tpr_at_worst_source,
)


def gaussian_scores(gap=2.0, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    generated = np.arange(count) % 2 == 1
    return rng.normal(0, 1, count) + gap * generated, generated


def test_platt_recovers_known_log_odds():
    # Two unit Gaussians `gap` apart have log-odds gap * x - gap**2 / 2.
    scores, generated = gaussian_scores(gap=2.0)
    fitted = platt(scores, generated, np.ones(len(scores)))
    assert fitted.slope == pytest.approx(2.0, abs=0.2)
    assert fitted.intercept == pytest.approx(-2.0, abs=0.2)
    probability = 1 / (1 + np.exp(-(fitted.slope * scores + fitted.intercept)))
    assert expected_calibration_error(probability, generated) < 0.03


def test_reversed_scores_give_a_negative_slope_and_no_trust():
    scores, generated = gaussian_scores()
    fitted = platt(-scores, generated, np.ones(len(scores)))
    assert fitted.slope < 0
    assert not trustworthy(fitted, 0.9)


@pytest.mark.parametrize(("figure", "trusted"), [(0.54, False), (0.56, True)])
def test_trust_needs_a_group_out_auc(figure, trusted):
    assert trustworthy(Calibration(1.0, 0.0), figure) is trusted


def test_the_threshold_holds_on_the_worst_source():
    rng = np.random.default_rng(1)
    sources = np.repeat(["easy", "hard", "made"], 300)
    generated = sources == "made"
    scores = rng.normal(0, 1, 900) + np.select([sources == "hard", generated], [1.5, 3.0], 0.0)
    found = worst_source_threshold(scores, generated, sources)
    assert found["worst_source_fpr"] <= 0.02
    assert found["overall_fpr"] <= 0.01
    assert found["fpr_by_source"]["hard"]["fpr"] >= found["fpr_by_source"]["easy"]["fpr"]
    assert 0.1 < found["tpr"] < 0.9
    assert found["stability_log_odds"] <= found["log_odds"]


def test_auc_of_known_orders():
    assert auc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 1.0
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 0.0
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1), st.lists(st.integers(0, 5), min_size=1))
def test_auc_is_the_share_of_ordered_pairs(real, fake):
    pairs = [(f > r) + 0.5 * (f == r) for f in fake for r in real]
    assert auc(np.array(real, float), np.array(fake, float)) == pytest.approx(np.mean(pairs))


def test_macro_leaves_anecdotes_out():
    assert macro({"large": (0.8, 50), "tiny": (0.1, 4)}) == 0.8


def test_auc_by_group_compares_with_the_whole_other_class():
    scores = np.array([0.0, 1.0, 2.0, 3.0, -1.0])
    generated = np.array([False, False, True, True, True])
    families = np.array(["camera", "camera", "good", "good", "bad"])
    found = auc_by_group(scores, generated, families)
    assert found == {"good": (1.0, 2), "bad": (0.0, 1)}


def test_strata_remove_what_contrast_alone_achieves():
    rng = np.random.default_rng(2)
    generated = rng.random(4000) < 0.5
    contrast = (rng.normal(0, 1, 4000) + generated).astype(np.float32)
    assert auc(contrast[~generated], contrast[generated]) > 0.7
    assert stratified_auc(contrast.astype(float), generated, contrast) < 0.62


def test_recall_at_the_worst_source():
    sources = np.repeat(["a", "b", "made"], 10)
    generated = sources == "made"
    scores = np.concatenate([np.arange(10), np.arange(10) + 5, np.arange(10) + 10]).astype(float)
    assert tpr_at_worst_source(scores, generated, sources, 0.0) == pytest.approx(0.5)


def test_bootstrap_interval_contains_the_figure():
    values = np.repeat(np.arange(20.0), 5)
    groups = np.repeat(np.arange(20).astype(str), 5)
    low, high = bootstrap_interval(lambda index: float(values[index].mean()), groups)
    assert low < values.mean() < high


@pytest.mark.parametrize(
    ("slope", "figure", "worst", "why"),
    [
        (1.0, 0.8, 0.01, ""),
        (-1.0, 0.8, 0.01, "do not rise"),
        (1.0, 0.5, 0.01, "AUC is 0.50"),
        (1.0, float("nan"), 0.01, "AUC is nan"),
        (1.0, 0.8, float("nan"), "no real source"),
    ],
)
def test_why_a_model_may_decide_nothing(slope, figure, worst, why):
    found = distrust(Calibration(slope, 0.0), figure, {"worst_source_fpr": worst})
    assert why in found
    assert bool(found) is bool(why)

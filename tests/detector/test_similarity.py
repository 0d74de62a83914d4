"""The comparing half of detector A: bounded, additive over groups, and not linear."""

from pathlib import Path

import numpy as np
import pytest

from assay.datasets.manifests import Row
from assay.detector.evaluation.metrics import auc
from assay.detector.features import GROUPS
from assay.detector.linear import default_model
from assay.detector.similarity import GROUP_NAMES, similarities
from assay.detector.table import Table
from assay.detector.training.fitting import Recipe
from assay.detector.training.similarity_fitting import fit_both

WIDTH = len(GROUPS)


@pytest.fixture(scope="module")
def similarity():
    return default_model().similarity


def test_a_landmark_is_most_like_itself(similarity):
    alike = similarities(similarity.landmarks[:50], similarity.landmarks[:50])
    assert alike.shape == (len(GROUP_NAMES), 50, 50)
    assert np.allclose(alike[:, range(50), range(50)], 1, atol=1e-3)
    assert (alike <= 1 + 1e-6).all()
    assert (alike.mean(0).argmax(1) == range(50)).all()


def test_what_is_like_nothing_gains_nothing(similarity):
    far = np.full((1, WIDTH), 1e4)
    assert similarity.members(far) == pytest.approx(similarity.bias[None])


def test_groups_add_up_to_the_score(similarity):
    clipped = np.random.default_rng(0).normal(0, 1, WIDTH)
    parts = similarity.contributions(clipped)
    constant = similarity.bias.mean() + similarity.baseline.sum()
    total = float(similarity.members(clipped[None]).mean())
    assert tuple(parts) == GROUP_NAMES
    assert sum(parts.values()) + constant == pytest.approx(total, abs=1e-4)


def _further_out(rng: np.random.Generator) -> Table:
    """Generated pictures lie around the real ones on all sides, so no linear score tells them."""
    source = np.repeat(np.arange(12), 40)
    generated = source % 2 == 1
    features = rng.normal(0, 1, (len(source), 1, WIDTH)).astype(np.float32)
    features[generated] *= 1.3
    rows = tuple(
        Row(Path("x"), "generated" if fake else "real", generator=f"g{number}", source=f"s{number}")
        for fake, number in zip(generated, source, strict=True)
    )
    none = np.zeros((len(source), 4), np.float32)
    return Table(rows, features, none, np.zeros((len(source), 8), np.float32), ("standard",), ())


def test_it_finds_what_no_linear_score_can():
    table = _further_out(np.random.default_rng(0))
    groups = np.unique(table.groups)
    unseen = np.isin(table.groups, groups[[0, 1, -1, -2]])
    train, test = np.flatnonzero(~unseen), np.flatnonzero(unseen)
    fitted = fit_both(table, train, Recipe(members=2))
    features, generated = table.features[test, 0], table.generated[test]
    clipped = fitted.committee.clipped(features)
    scores = fitted.similarity.members(clipped).mean(1)
    linear = fitted.committee.scores(features)
    assert auc(scores[~generated], scores[generated]) > 0.9
    assert auc(linear[~generated], linear[generated]) < 0.75
    assert fitted.scores(features) == pytest.approx((scores + linear) / 2)

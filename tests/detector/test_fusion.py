"""Models by name, and several models as one."""

import json
import pickle

import numpy as np
import pytest

from assay.datasets.manifests import read_manifest
from assay.detector import score
from assay.detector.fusion import Fusion
from assay.detector.linear import LinearModel
from assay.detector.loading import forget, linear_part, load_model
from assay.detector.models import Component, Reading
from assay.errors import ConfigurationError
from assay.settings import settings


def test_the_default_model_ships_and_is_usable():
    model = load_model()
    assert model.objection == ""
    assert isinstance(linear_part(model), LinearModel)


def test_the_setting_chooses_the_model(tmp_path, monkeypatch, corpus):
    monkeypatch.setenv("ASSAY_DETECTOR_MODEL", str(tmp_path / "missing.json"))
    settings.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match=r"missing\.json"):
            score(read_manifest(corpus)[0].path)
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def fused(part, weights=(1.0, 0.5), trustworthy=True):
    card = {
        "name": "both",
        "version": "1",
        "kind": "fusion",
        "calibration": {"slope": 2.0, "intercept": -1.0},
        "threshold": {"log_odds": 3.0, "stability_log_odds": 1.0},
        "trustworthy": trustworthy,
    }
    return Fusion((part, part), weights, card=card)


def reading(*members, unlike=False):
    return Reading(np.array(members), (Component("m", "1", float(np.mean(members))),), unlike)


def test_a_fusion_weighs_calibrates_and_keeps_the_spread():
    both = fused(load_model())
    result = both.combine([reading(1.0, 2.0, 3.0), reading(4.0)])
    assert np.allclose(result.members, 2 * (np.array([1.0, 2.0, 3.0]) + 2.0) - 1)
    assert result.log_odds == pytest.approx(7.0)
    assert len(result.components) == 2
    assert not result.unlike_training
    assert both.combine([reading(0.0), reading(0.0, unlike=True)]).unlike_training


def test_a_fusion_scores_pictures_and_shows_every_part(corpus):
    part = load_model()
    picture = read_manifest(corpus)[0].path
    alone = score(picture, model=part)
    both = pickle.loads(pickle.dumps(fused(part)))
    result = score(picture, model=both)
    assert result.log_odds == pytest.approx(2 * 1.5 * alone.log_odds - 1)
    assert len(result.components) == 2 * len(alone.components)
    assert result.heatmap().shape == result.pixels.shape[:2]


def test_an_untrusted_fusion_decides_nothing(corpus):
    result = score(read_manifest(corpus)[0].path, model=fused(load_model(), trustworthy=False))
    assert result.abstained
    assert "failed its held-out test" in result.reason


@pytest.mark.parametrize(
    ("card", "what"),
    [
        ({"kind": "magic"}, "unknown kind"),
        ({"kind": "fusion", "parts": []}, "not beside it"),
        ({"kind": "fusion", "parts": [{"card": "../../etc/x.json", "weight": 1}]}, "not beside"),
        ([], "not a model card"),
    ],
)
def test_a_card_that_leads_nowhere_is_refused(tmp_path, card, what):
    path = tmp_path / "card.json"
    path.write_text(json.dumps(card))
    forget()
    with pytest.raises(ConfigurationError, match=what):
        load_model(path)

"""The shipped model: abstains where it must, explains itself, is what its card says."""

from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images

from assay.detector import DetectorExaminer, Score, score
from assay.detector.degradation import examine_condition
from assay.detector.frequency_plates import radial_spectrum
from assay.detector.heatmap import overlay
from assay.detector.linear import LinearModel, default_model
from assay.errors import ConfigurationError, InputRefused
from assay.media import Media
from assay.testing import ExaminerContract

PHOTOGRAPHS = {
    **{
        name: getattr(data, name)()[..., :3]
        for name in ("astronaut", "chelsea", "coffee", "rocket", "retina")
    },
    "china": load_sample_images().images[0],
    "flower": load_sample_images().images[1],
    "camera": np.stack([data.camera()] * 3, -1),
}


def bar_chart() -> np.ndarray:
    """Coloured bars of many heights on white."""
    picture = np.full((403, 501, 3), 255, np.uint8)
    for number, height in enumerate((90, 131, 260, 341, 77, 203, 302)):
        left = 21 + 67 * number
        picture[-height:, left : left + 43] = (31, 119, 180)
    return picture


SHAPES = {
    "chart": bar_chart(),
    "black": np.zeros((400, 400, 3), np.uint8),
    "white": np.full((400, 400, 3), 255, np.uint8),
    "noise": np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8),
    "stripes": np.tile(np.repeat(np.array([0, 255], np.uint8), 10), (400, 20))[..., None].repeat(
        3, 2
    ),
    "tiny": PHOTOGRAPHS["astronaut"][:64, :64],
    "one pixel": np.zeros((1, 1, 3), np.uint8),
    "line": np.zeros((1, 3000, 3), np.uint8),
}


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_photographs_are_not_likely_generated(name):
    result = score(np.ascontiguousarray(PHOTOGRAPHS[name]))
    assert result.abstained
    assert result.reason


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_no_photograph_is_not_judged(name):
    result = score(np.ascontiguousarray(SHAPES[name]))
    assert result.abstained
    assert 0 <= result.interval[0] <= result.probability <= result.interval[1] <= 1


@pytest.mark.parametrize(
    ("name", "words"),
    [("black", "uniform"), ("chart", "drawing"), ("tiny", "too small")],
)
def test_the_gate_says_why(name, words):
    assert words in score(np.ascontiguousarray(SHAPES[name])).reason


def test_heavy_compression_is_noticed(tmp_path):
    Image.fromarray(PHOTOGRAPHS["astronaut"]).save(tmp_path / "poor.jpg", quality=4)
    with Image.open(tmp_path / "poor.jpg") as poor:
        condition = examine_condition(np.asarray(poor.convert("RGB")))
    assert condition.blockiness > examine_condition(PHOTOGRAPHS["astronaut"]).blockiness
    assert "compress" in (condition.objection() or "")


def test_enlargement_is_noticed():
    small = Image.fromarray(PHOTOGRAPHS["astronaut"])
    large = np.asarray(small.resize((2048, 2048), Image.Resampling.BICUBIC))
    assert "enlarged" in (examine_condition(large).objection() or "")


def test_path_media_and_pixels_score_alike(tmp_path):
    path = tmp_path / "astronaut.png"
    Image.fromarray(PHOTOGRAPHS["astronaut"]).save(path)
    scores = [score(source) for source in (path, str(path), Media.open(path), data.astronaut())]
    assert len({item.log_odds for item in scores}) == 1


def test_a_score_is_the_sum_of_its_contributions():
    model = default_model()
    result = score(PHOTOGRAPHS["coffee"])
    (part,) = result.components
    other = model.similarity
    bias = (model.bias.mean() + other.bias.mean() + other.baseline.sum()) / 2
    constant = model.slope * bias + model.intercept
    total = sum(part.contributions.values()) + constant
    assert total == pytest.approx(result.log_odds, abs=1e-4)


def test_a_picture_above_both_thresholds_is_claimed():
    """With the thresholds below every score, only the gates can object."""
    result = score(PHOTOGRAPHS["astronaut"], model=_changed(threshold=-1e9, stability=-1e9))
    assert result.likely_generated
    assert result.reason == ""


def test_an_unstable_score_is_not_claimed():
    model = _changed(threshold=-1e9, stability=1e9)
    result = score(PHOTOGRAPHS["astronaut"], model=model)
    assert result.abstained
    assert "not stable: at JPEG quality 70" in result.reason


def test_an_untrustworthy_model_abstains_from_everything():
    model = _changed(threshold=-1e9, stability=-1e9)
    model.card["trustworthy"] = False
    result = score(PHOTOGRAPHS["astronaut"], model=model)
    assert result.abstained
    assert "failed its held-out test" in result.reason


def test_heatmap_has_the_size_of_the_picture_and_averages_to_the_score():
    picture = PHOTOGRAPHS["astronaut"]
    result = score(picture)
    heat = result.heatmap()
    assert heat.shape == picture.shape[:2]
    assert np.isfinite(heat).all()
    assert abs(heat.mean() - result.log_odds) < 1.5
    assert overlay(picture, heat).shape == picture.shape


def test_spectrum_comes_with_the_band_of_real_pictures():
    frequencies, profile, band = radial_spectrum(PHOTOGRAPHS["coffee"], default_model())
    assert frequencies.shape == profile.shape
    assert band is not None
    assert (band[0] < band[1]).all()


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3))])
def test_what_is_not_a_picture_is_refused(wrong):
    with pytest.raises(InputRefused):
        score(wrong)


def test_the_shipped_model_matches_its_card():
    card = default_model().card
    assert card["trustworthy"] is True
    assert card["threshold"]["worst_source_fpr"] <= 0.05
    assert card["threshold"]["tpr"] >= 0.25
    assert card["group_out"]["macro_auc"] >= 0.65
    assert card["group_out"]["ece"] <= 0.08


def test_a_missing_model_is_a_clear_error(tmp_path):
    from assay.detector.linear import load

    with pytest.raises(ConfigurationError, match=r"nothing\.json"):
        load(tmp_path / "nothing.json")


class TestDetectorExaminer(ExaminerContract):
    examiner = DetectorExaminer()
    cases: ClassVar[dict[str, str | None]] = {}

    @pytest.fixture(autouse=True)
    def photographs(self, tmp_path):
        for name in ("astronaut", "coffee"):
            path = tmp_path / f"{name}.png"
            Image.fromarray(PHOTOGRAPHS[name]).save(path)
            type(self).cases[str(path)] = None
        yield
        type(self).cases.clear()

    def test_a_photograph_is_inconclusive(self, tmp_path):
        (evidence,) = self.examiner.examine(Media.open(tmp_path / "coffee.png"))
        assert evidence.finding == "detector-inconclusive"
        assert evidence.kind == "detector"
        assert evidence.points_to == "nothing"
        assert evidence.details["components"][0]["contributions"]


def _changed(*, threshold: float, stability: float) -> LinearModel:
    from dataclasses import replace

    model = default_model()
    return replace(model, threshold=threshold, stability=stability, card=dict(model.card))


def test_score_is_public():
    assert isinstance(score(PHOTOGRAPHS["coffee"]), Score)

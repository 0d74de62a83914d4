"""A foreign model on a corpus of one's own: calibrated, measured, believed or not."""

import cv2
import numpy as np
import pytest

from assay.datasets.manifests import Row
from assay.detector import score
from assay.detector.calibrated import calibration_path, load_foreign, write_calibration
from assay.detector.calibration import WORST_SOURCE_RATE
from assay.detector.training.calibrating import calibrate
from assay.errors import ConfigurationError
from assay.settings import settings

from .conftest import detail_network


def test_calibrating_makes_an_onnx_model_usable(
    assay, onnx_file, corpus, picture, home, monkeypatch
):
    outcome = assay("calibrate", corpus, "--model", onnx_file, "--folds", "3", "--json")
    assert outcome.code == 0, outcome.err
    (document,) = outcome.documents
    assert document["calibration"]["slope"] > 0
    assert document["generated_labels"] == ["smooth, generated"]
    assert document["group_out"]["macro_auc"] > 0.6
    assert document["threshold"]["overall_fpr"] <= 0.01
    assert calibration_path(document["model"]["weights_sha256"]).is_relative_to(home)
    monkeypatch.setenv("ASSAY_DETECTOR_MODEL", str(onnx_file))
    settings.cache_clear()
    scored = score(picture)
    assert "not calibrated" not in scored.reason
    assert scored.components[0].model == str(onnx_file)
    raw = load_foreign(str(onnx_file)).raw(scored.pixels)
    fitted = document["calibration"]
    assert scored.log_odds == pytest.approx(fitted["slope"] * raw + fitted["intercept"], abs=1e-3)


def test_scores_that_fall_where_pictures_are_generated_are_refused(assay, onnx_file, corpus, home):
    options = ["--folds", "3", "--generated-label", "real"]
    outcome = assay("calibrate", corpus, "--model", onnx_file, *options)
    assert outcome.code == 3
    assert "slope" in outcome.err
    assert not home.exists()


def test_a_calibration_belongs_to_its_weights(assay, onnx_file, corpus, tmp_path):
    assert assay("calibrate", corpus, "--model", onnx_file, "--folds", "3").code == 0
    assert load_foreign(str(onnx_file)).calibration is not None
    other = tmp_path / "other" / "model.onnx"
    other.parent.mkdir()
    detail_network(other, labels=("generated", "real"))
    import onnx

    changed = onnx.load_model(str(other))
    changed.doc_string = "another file"
    onnx.save_model(changed, str(other))
    assert load_foreign(str(other)).calibration is None


def test_a_damaged_calibration_is_reported(onnx_file, picture):
    path = calibration_path(load_foreign(str(onnx_file)).record.weights_sha256)
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    with pytest.raises(ConfigurationError, match="not a calibration"):
        load_foreign(str(onnx_file))


@pytest.fixture(scope="module")
def textures(tmp_path_factory):
    """Four sources of 50 rough pictures each, and smooth ones by four generators."""
    folder = tmp_path_factory.mktemp("textures")
    rng = np.random.default_rng(0)
    rows = []
    for number in range(4 * 50 + 4 * 8):
        generated = number >= 200
        pixels = rng.normal(128, 40, (260, 420, 3)).clip(0, 255).astype(np.uint8)
        if generated:
            pixels = cv2.GaussianBlur(pixels, (0, 0), 1.0 + 0.1 * (number % 5))
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), pixels, [cv2.IMWRITE_PNG_COMPRESSION, 0])
        group = number % 4
        rows.append(
            Row(path, "generated", generator=f"generator-{group}", source=f"site-{group}")
            if generated
            else Row(path, "real", source=f"camera-{group}")
        )
    return rows


def test_a_model_that_separates_enough_pictures_may_decide(onnx_file, textures):
    document = calibrate(textures, load_foreign(str(onnx_file)), folds=4)
    assert document["trustworthy"], document["distrusted_because"]
    assert document["threshold"]["worst_source_fpr"] <= WORST_SOURCE_RATE
    assert document["threshold"]["tpr"] > 0.9
    assert document["group_out"]["ece"] < 0.1
    write_calibration(document)
    model = load_foreign(str(onnx_file))
    assert model.objection == ""
    pixels = [cv2.imread(str(textures[place].path)) for place in (0, -1)]
    rough, smooth = (model.read(picture).log_odds for picture in pixels)
    assert rough < model.threshold < smooth


def test_too_few_pictures_promise_no_worst_source(onnx_file, textures):
    few = [row for place, row in enumerate(textures) if row.generated or place % 8 < 4]
    document = calibrate(few, load_foreign(str(onnx_file)), folds=2)
    assert not document["trustworthy"]
    assert "has 50 pictures" in document["distrusted_because"]


def test_evaluate_measures_a_foreign_model(assay, onnx_file, corpus, tmp_path):
    outcome = assay(
        *("evaluate", corpus, "-o", tmp_path / "report", "--model", onnx_file),
        *("--condition", "standard", "--most-per-group", "2", "--json"),
    )
    assert outcome.code == 0, outcome.err
    (document,) = outcome.documents
    assert document["model"]["name"] == str(onnx_file)
    assert "not calibrated" in document["model"]["objection"]
    assert document["conditions"]["standard"]["likely_generated"]["tpr"] == 0

"""Faces are found, scored apart from the whole picture, and never worth more than a hint."""

import json
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from assay.detector import FaceExaminer, score_faces
from assay.detector.faces import model as face_model
from assay.detector.faces.finding import CascadeFaces, YunetFaces, largest_first
from assay.detector.faces.scoring import MOST_FACES, default_finder
from assay.detector.verify import verify
from assay.encoding import encode_png
from assay.errors import ConfigurationError
from assay.media import Media
from assay.settings import settings
from assay.testing import ExaminerContract
from tests.videos import encode_video, pan


@pytest.fixture(autouse=True)
def _finder_of_these_settings():
    default_finder.cache_clear()
    yield
    default_finder.cache_clear()


class Boxes:
    """A finder that knows where the faces are."""

    name = "given"

    def __init__(self, *boxes):
        self.boxes = list(boxes)

    def find(self, image):
        return self.boxes


def suspicious(threshold=-1e9):
    shipped = face_model.default_model()
    return replace(shipped, threshold=threshold, card={**shipped.card, "trustworthy": True})


def test_the_cascade_finds_the_portrait(astronaut, coffee):
    left, top, right, bottom = CascadeFaces().find(astronaut)[0]
    assert left < 224 < right
    assert top < 110 < bottom
    assert CascadeFaces().find(coffee) == []


def test_a_portrait_has_one_score(astronaut):
    (face,) = score_faces(astronaut)
    assert 0 < face.probability < 1
    assert not face.suspected


def test_small_faces_are_left_alone_and_crowds_are_bounded(astronaut):
    assert score_faces(astronaut, finder=Boxes((10, 10, 60, 60))) == []
    crowd = Boxes(*[(10 * k, 10 * k, 10 * k + 90, 10 * k + 90) for k in range(9)])
    scores = score_faces(astronaut, finder=crowd)
    assert len(scores) == MOST_FACES
    assert [s.log_odds for s in scores] == sorted((s.log_odds for s in scores), reverse=True)


def test_boxes_that_leave_the_picture_are_cut(astronaut):
    (face,) = score_faces(astronaut, finder=Boxes((-40, -40, 100, 100)))
    assert face.box == (0, 0, 100, 100)


def test_a_model_that_failed_suspects_nobody(astronaut):
    model = suspicious()
    assert score_faces(astronaut, model=model)[0].suspected
    failed = replace(model, card={**model.card, "trustworthy": False})
    assert not score_faces(astronaut, model=failed)[0].suspected


def test_suspicion_is_weak_evidence_of_an_edit_and_decides_nothing(astronaut, monkeypatch):
    monkeypatch.setattr("assay.detector.faces.examiner.default_model", suspicious)
    media = Media.from_bytes(encode_png(astronaut))
    verification = verify(media, examiners={"faces": FaceExaminer()})
    evidence = verification.find("face-forgery-suspected")
    assert evidence is not None
    assert (evidence.points_to, evidence.strength) == ("edited", "weak")
    assert evidence.details["faces"][0]["suspected"]
    assert verification.verdict.category == "no-evidence"
    # A probability of forgery is not one of generation.
    assert verification.verdict.probability_generated is None


def test_pictures_without_faces_leave_no_evidence(coffee):
    assert FaceExaminer().examine(Media.from_bytes(encode_png(coffee))) == []


@pytest.fixture(scope="module")
def interview():
    from skimage import data

    return Media.from_bytes(encode_video(pan(data.astronaut(), 36, 400, 440)), name="talk.mp4")


def test_faces_of_a_video_are_examined_at_several_moments(interview, monkeypatch):
    (evidence,) = FaceExaminer().examine(interview)
    assert evidence.finding == "face-inconclusive"
    assert len(evidence.details["faces"]) > 2
    monkeypatch.setattr("assay.detector.faces.examiner.default_model", suspicious)
    (evidence,) = FaceExaminer().examine(interview)
    assert evidence.finding == "face-forgery-suspected"
    assert evidence.strength == "weak"


def test_videos_without_faces_leave_no_evidence(coffee):
    media = Media.from_bytes(encode_video(pan(coffee, 12, 300, 400)))
    assert FaceExaminer().examine(media) == []


def test_a_wrong_detector_file_is_a_clear_error(tmp_path, monkeypatch, astronaut):
    wrong = tmp_path / "yunet.onnx"
    wrong.write_bytes(b"not a model")
    with pytest.raises(ConfigurationError, match="not a YuNet model"):
        YunetFaces(wrong)
    monkeypatch.setenv("ASSAY_FACE_DETECTOR", str(wrong))
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match=r"yunet\.onnx"):
        score_faces(astronaut)


def test_the_shipped_model_is_what_its_card_says():
    card = face_model.default_model().card
    assert card["source_out"]["macro_auc"] > 0.6
    assert card["threshold"]["worst_source_fpr"] <= 0.02
    assert card["cannot"]


def test_damaged_weights_are_refused(tmp_path):
    path = face_model.save(face_model.default_model(), tmp_path)
    assert np.allclose(face_model.load(path).weights, face_model.default_model().weights)
    weights = path.with_suffix(".npz")
    weights.write_bytes(weights.read_bytes() + b"\0")
    with pytest.raises(ConfigurationError, match="sha256"):
        face_model.load(path)
    card = json.loads(path.read_text()) | {"feature_version": 0}
    face_model.save(face_model.default_model(), tmp_path)
    sound = json.loads(path.read_text())
    path.write_text(json.dumps(card | {"weights_sha256": sound["weights_sha256"]}))
    with pytest.raises(ConfigurationError, match="features version 0"):
        face_model.load(path)
    with pytest.raises(ConfigurationError, match=r"nothing\.json"):
        face_model.load(tmp_path / "nothing.json")


def test_largest_comes_first():
    assert largest_first([(0, 0, 2, 2), (0, 0, 9, 9)]) == [(0, 0, 9, 9), (0, 0, 2, 2)]


class TestFaceExaminer(ExaminerContract):
    examiner = FaceExaminer()
    cases: ClassVar[dict[str, str | None]] = {}

    @pytest.fixture(autouse=True)
    def portraits(self, tmp_path, astronaut):
        path = tmp_path / "astronaut.png"
        Image.fromarray(astronaut).save(path)
        type(self).cases[str(path)] = "face-inconclusive"
        yield
        type(self).cases.clear()

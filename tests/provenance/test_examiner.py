from __future__ import annotations

from pathlib import Path

import pytest

from assay.evidence import Evidence
from assay.media import Media
from assay.provenance import certificates, manifests
from assay.provenance.examiner import C2paExaminer, describe
from assay.provenance.manifests import Agent, IngredientInput
from assay.provenance.reading import read
from assay.provenance.signers import PemSigner
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import DigitalSourceType, Relationship
from assay.testing import ExaminerContract

from .conftest import flipped, generated


def examine(data: bytes) -> list[Evidence]:
    return C2paExaminer().examine(Media.from_bytes(data))


def stranger() -> PemSigner:
    issuer = certificates.make_intermediate(certificates.make_root())
    leaf = certificates.make_leaf(issuer)
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer.certificate)
    return PemSigner(chain, certificates.key_to_pem(leaf.key))


class TestContract(ExaminerContract):
    examiner = C2paExaminer()
    cases: dict[str | Path, str | None] = {}  # noqa: RUF012  # filled by the fixture

    @pytest.fixture(autouse=True)
    def _cases(self, signed: bytes, photo: bytes, tmp_path: Path) -> None:
        (tmp_path / "signed.jpg").write_bytes(signed)
        (tmp_path / "plain.jpg").write_bytes(photo)
        (tmp_path / "tampered.jpg").write_bytes(flipped(signed, -500))
        type(self).cases = {
            tmp_path / "signed.jpg": "c2pa-trusted",
            tmp_path / "plain.jpg": None,
            tmp_path / "tampered.jpg": "c2pa-invalid",
        }


def test_nothing_is_said_about_a_file_without_a_manifest(photo: bytes) -> None:
    [evidence] = examine(photo)
    assert (evidence.finding, evidence.points_to) == ("no-manifest", "nothing")


@pytest.mark.parametrize(
    ("source_type", "points_to"),
    [
        (DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA, "generated"),
        (DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA, "edited"),
        (DigitalSourceType.DIGITAL_CAPTURE, "captured"),
        (DigitalSourceType.COMPUTATIONAL_CAPTURE, "captured"),
        (DigitalSourceType.DIGITAL_ART, "nothing"),
    ],
)
def test_trusted_credentials_point_where_the_source_type_says(
    home: Path, photo: bytes, source_type: DigitalSourceType, points_to: str
) -> None:
    [evidence] = examine(sign_bytes(Media.from_bytes(photo), generated(source_type=source_type)))
    assert (evidence.finding, evidence.strength) == ("c2pa-trusted", "conclusive")
    assert evidence.points_to == points_to
    assert "assay-development" in evidence.summary


def test_a_strangers_word_weighs_less_and_a_strangers_camera_least(
    home: Path, photo: bytes
) -> None:
    media = Media.from_bytes(photo)
    [made] = examine(sign_bytes(media, generated(), stranger()))
    [taken] = examine(sign_bytes(media, manifests.captured(Agent("camera")), stranger()))
    assert (made.finding, made.points_to, made.strength) == (
        "c2pa-valid-untrusted",
        "generated",
        "moderate",
    )
    assert (taken.points_to, taken.strength) == ("captured", "weak")


def test_broken_integrity_is_altered_never_what_the_manifest_claims(signed: bytes) -> None:
    for position in (-500, signed.find(b"trainedAlgorithmicMedia")):
        [evidence] = examine(flipped(signed, position))
        assert (evidence.kind, evidence.points_to) == ("integrity", "altered")


def test_a_broken_ingredient_is_evidence_of_its_own(signed: bytes, photo: bytes) -> None:
    parent = IngredientInput(flipped(signed, -500), "image/jpeg", Relationship.PARENT_OF, "base")
    edit = sign_bytes(Media.from_bytes(photo), manifests.edited(Agent("a"), parent))
    sound, broken = examine(edit)
    assert sound.finding == "c2pa-trusted"
    assert (broken.finding, broken.points_to) == ("ingredient-invalid", "altered")
    assert "base" in broken.summary


@pytest.mark.parametrize("declares", ["captured", "generated"])
def test_a_trusted_editor_does_not_turn_a_strangers_camera_into_a_capture(
    declares: str, home: Path, photo: bytes
) -> None:
    media = Media.from_bytes(photo)
    made = manifests.captured(Agent("x")) if declares == "captured" else generated()
    parent = IngredientInput(
        sign_bytes(media, made, stranger()), "image/jpeg", Relationship.PARENT_OF
    )
    [evidence] = examine(sign_bytes(media, manifests.converted(Agent("editor"), parent)))
    assert evidence.finding == "c2pa-trusted"
    assert evidence.points_to == ("nothing" if declares == "captured" else "generated")


def test_a_trusted_camera_stays_a_capture_through_a_trusted_editor(
    home: Path, photo: bytes
) -> None:
    media = Media.from_bytes(photo)
    capture = sign_bytes(media, manifests.captured(Agent("camera")))
    parent = IngredientInput(capture, "image/jpeg", Relationship.PARENT_OF)
    [evidence] = examine(sign_bytes(media, manifests.converted(Agent("editor"), parent)))
    assert evidence.points_to == "captured"


def test_the_description_is_json(signed: bytes) -> None:
    import json

    document = json.loads(json.dumps(describe(read(signed))))
    assert document["state"] == "trusted"
    assert document["problems"] == []
    assert document["validator"].startswith("c2pa-rs ")

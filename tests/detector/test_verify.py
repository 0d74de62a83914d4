"""Verifying end to end: what becomes of signed pictures, and examiners that fail alone."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import assay
from assay.cli.demo.launder import COPIES, tampered, transplanted
from assay.encoding import encode_jpeg, encode_png
from assay.errors import DamagedMedia, UnsupportedMedia
from assay.evidence import Evidence, Verification
from assay.media import Media
from assay.provenance import keys


@pytest.fixture(autouse=True)
def development_keys() -> None:
    keys.init()


@pytest.fixture
def signed(astronaut: np.ndarray) -> Media:
    return assay.sign(astronaut, generator="test model").media


def test_signed(signed: Media) -> None:
    verification = assay.verify(signed)

    assert verification.verdict.category == "generated"
    assert verification.find("c2pa-trusted") is not None
    assert verification.find("watermark-agrees") is not None
    assert verification.media.sha256 == signed.sha256


@pytest.mark.parametrize("copy", COPIES, ids=lambda copy: copy.name)
def test_stripped_copies_lead_back_to_their_manifest(signed: Media, copy: object) -> None:
    verification = assay.verify(copy.make(signed.pixels()))  # type: ignore[attr-defined]

    assert verification.verdict.category == "generated"
    label = assay.verify(signed).find("c2pa-trusted").details["manifest_label"]  # type: ignore[union-attr]
    recovered = [e.details["manifest"] for e in verification.evidence if "recovered" in e.finding]
    assert label in recovered


def test_tampered(signed: Media) -> None:
    assert assay.verify(tampered(signed.data)).verdict.category == "altered"


def test_a_transplanted_manifest(signed: Media, chelsea: np.ndarray) -> None:
    forged = transplanted(signed.data, encode_png(chelsea))
    assert assay.verify(forged).verdict.category == "altered"


def test_a_copied_watermark(signed: Media, astronaut: np.ndarray, china: np.ndarray) -> None:
    # The mark is estimated as a difference and pasted on another picture of the same size.
    difference = signed.pixels().astype(int) - astronaut
    canvas = np.resize(china, astronaut.shape) if china.shape[0] >= 512 else None
    if canvas is None:
        canvas = np.pad(china, ((0, 85), (0, 0), (0, 0)), mode="reflect")[:512, :512]
    victim = np.clip(canvas.astype(int) + difference, 0, 255).astype(np.uint8)

    verification = assay.verify(encode_png(victim))

    assert verification.find("watermark-copied") is not None
    assert verification.verdict.category == "altered"


@pytest.mark.parametrize("name", ["astronaut", "chelsea", "coffee", "flower", "china"])
def test_untouched_photographs(name: str, request: pytest.FixtureRequest) -> None:
    photograph = request.getfixturevalue(name)
    verification = assay.verify(encode_jpeg(photograph, 92))
    assert verification.verdict.category in ("no-evidence", "inconclusive")


def test_a_verification_survives_json(signed: Media) -> None:
    verification = assay.verify(signed)
    again = Verification.model_validate_json(verification.model_dump_json())
    assert again == verification
    assert '"schema":"assay.verification/1"' in verification.model_dump_json()


def test_damaged_media_are_refused_once(signed: Media) -> None:
    with pytest.raises(DamagedMedia):
        assay.verify(signed.data[: signed.size // 2])


class _Failing:
    name, version = "failing", "1"

    def examine(self, media: Media) -> list[Evidence]:
        raise ZeroDivisionError("the decoder divided by zero")


class _Refusing:
    name, version = "refusing", "1"

    def examine(self, media: Media) -> list[Evidence]:
        raise UnsupportedMedia("only video is examined")


class _Versionless:
    name = "versionless"

    @property
    def version(self) -> str:
        raise OSError("the model file is gone")

    def examine(self, media: Media) -> list[Evidence]:
        raise OSError("the model file is gone")


class _Unwritable:
    name, version = "unwritable", "1"

    def examine(self, media: Media) -> list[Evidence]:
        found = assay.verify(media, examiners={"refusing": _Refusing()}).evidence[0]
        return [found.model_copy(update={"details": {"flag": np.True_}})]


def test_an_examiner_that_fails_takes_no_other_down(signed: Media) -> None:
    from assay.provenance.examiner import C2paExaminer

    verification = assay.verify(
        signed,
        examiners={
            "failing": _Failing(),
            "refusing": _Refusing(),
            "versionless": _Versionless(),
            "unwritable": _Unwritable(),
            "c2pa": C2paExaminer(),
        },
    )

    assert verification.verdict.category == "generated"
    assert [item.what for item in verification.verdict.not_scored] == [
        "failing",
        "refusing",
        "versionless",
        "unwritable",
    ]
    assert verification.model_dump_json()
    assert "divided by zero" in verification.verdict.not_scored[0].why


@pytest.mark.parametrize("side", [300, 512])
def test_a_signed_picture_on_a_page_does_not_speak_for_the_page(
    signed: Media, china: np.ndarray, side: int
) -> None:
    page = np.asarray(Image.fromarray(china).resize((1200, 900), Image.Resampling.LANCZOS)).copy()
    window = signed.pixels()[:side, :side]
    page[60 : 60 + side, 90 : 90 + side] = window

    verification = assay.verify(encode_png(page))

    assert verification.verdict.category != "generated"
    part = verification.find("signed-part")
    if part is not None:
        assert "Nothing is said about the rest" in part.summary
        assert part.details["share"] < 0.5


def test_a_small_crop_is_not_accused_of_a_copied_watermark() -> None:
    from assay.cli.demo.pictures import landscape

    signed = assay.sign(landscape(2026)).media.pixels()
    height, width = signed.shape[:2]
    findings = set()
    for top in range(0, height // 2, 60):
        for left in range(0, width // 2, 120):
            crop = signed[top : top + height // 3, left : left + width // 3]
            verification = assay.verify(encode_jpeg(np.ascontiguousarray(crop), 80))
            assert verification.verdict.category != "altered"
            findings |= {evidence.finding for evidence in verification.evidence}

    assert "watermark-unconfirmed" in findings

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import LimitExceeded
from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance.embedded import extract
from assay.provenance.labelling import AigcLabel, MetadataMarker, find_packet, label
from assay.provenance.metadata import MetadataExaminer, find_aigc
from assay.provenance.reading import read
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import DigitalSourceType
from assay.settings import settings
from assay.testing import MarkerContract

from .conftest import generated

GENERATED = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
OTHER_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dc="http://purl.org/dc/elements/1.1/" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" dc:source="archive" '
    'Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/print"/>'
    "</rdf:RDF></x:xmpmeta>"
)
VARIANTS: dict[str, Callable[[Image.Image, io.BytesIO], None]] = {
    "jpeg": lambda image, out: image.save(out, "JPEG"),
    "jpeg with exif and xmp": lambda image, out: image.save(
        out, "JPEG", exif=camera(), xmp=OTHER_XMP.encode()
    ),
    "png": lambda image, out: image.save(out, "PNG"),
    "webp": lambda image, out: image.save(out, "WEBP"),
    "webp lossless with alpha": lambda image, out: with_alpha(image).save(
        out, "WEBP", lossless=True
    ),
    "webp with xmp": lambda image, out: image.save(out, "WEBP", xmp=OTHER_XMP.encode()),
}


def camera() -> Image.Exif:
    data = Image.Exif()
    data[0x010F] = "Canon"
    return data


def with_alpha(image: Image.Image) -> Image.Image:
    copy = image.convert("RGBA")
    copy.putalpha(128)
    return copy


def made(name: str, pixels: np.ndarray) -> Media:
    buffer = io.BytesIO()
    VARIANTS[name](Image.fromarray(pixels[:96, :128]), buffer)
    return Media.from_bytes(buffer.getvalue())


class TestContract(MarkerContract):
    marker = MetadataMarker()
    sources: tuple[str | Path, ...] = ()

    @pytest.fixture(autouse=True)
    def _sources(self, photo: bytes, tmp_path: Path) -> None:
        (tmp_path / "a.jpg").write_bytes(photo)
        type(self).sources = (tmp_path / "a.jpg",)


@pytest.mark.parametrize("name", VARIANTS)
def test_labels_read_back_and_pixels_stay(name: str, astronaut: np.ndarray) -> None:
    media = made(name, astronaut)
    labelled = label(media, GENERATED, AigcLabel("0019", "x-1"))
    assert np.array_equal(labelled.pixels(), media.pixels())
    assert (labelled.width, labelled.height) == (media.width, media.height)
    with Image.open(io.BytesIO(labelled.data)) as reopened:
        before = Image.open(io.BytesIO(media.data))
        assert reopened.mode == before.mode
        assert np.array_equal(np.asarray(reopened), np.asarray(before))
    found = [evidence.finding for evidence in MetadataExaminer().examine(labelled)]
    assert found == ["iptc-generated", "aigc-label"]


@pytest.mark.parametrize("name", ["jpeg with exif and xmp", "webp with xmp"])
def test_older_labels_are_replaced_and_the_rest_is_kept(name: str, astronaut: np.ndarray) -> None:
    labelled = label(made(name, astronaut), GENERATED)
    assert find_packet(labelled).count("DigitalSourceType") == 1
    assert 'dc:source="archive"' in find_packet(labelled)
    if "exif" in name:
        assert extract(labelled).exif["Make"] == "Canon"


def test_labelling_twice_keeps_one_label(astronaut: np.ndarray) -> None:
    for name in ("jpeg", "png", "webp"):
        once = label(made(name, astronaut), DigitalSourceType.DIGITAL_CAPTURE)
        twice = label(once, GENERATED, AigcLabel("p", "2"))
        thrice = label(twice, GENERATED, AigcLabel("p", "3"))
        assert (find_aigc(extract(thrice)) or {})["ProduceID"] == "3"
        assert find_packet(thrice).count("TC260:AIGC=") == 1


def test_quotes_in_names_are_escaped(astronaut: np.ndarray) -> None:
    nasty = "a\"b'c<d>&e"
    labelled = label(made("png", astronaut), GENERATED, AigcLabel(nasty, "1"))
    assert (find_aigc(extract(labelled)) or {})["ContentProducer"] == nasty


def test_the_marker_labels_ai_output_when_a_producer_is_set(
    photo: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_CONTENT_PRODUCER", "0019")
    settings.cache_clear()
    context = MarkingContext(manifest_label="urn:c2pa:1234")
    labelled = MetadataMarker().mark(Media.from_bytes(photo), context)
    assert (find_aigc(extract(labelled)) or {})["ProduceID"] == "1234"
    capture = MarkingContext(profile="captured", manifest_label="urn:c2pa:1234")
    captured = MetadataMarker().mark(Media.from_bytes(photo), capture)
    assert find_aigc(extract(captured)) is None


def test_other_formats_pass_with_a_note(astronaut: np.ndarray) -> None:
    buffer = io.BytesIO()
    Image.fromarray(astronaut).save(buffer, "GIF")
    media, context = Media.from_bytes(buffer.getvalue()), MarkingContext()
    assert MetadataMarker().mark(media, context) is media
    assert context.notes == {"metadata": "not written: image/gif"}


def test_signed_after_labelling(home: Path, photo: bytes) -> None:
    labelled = label(Media.from_bytes(photo), GENERATED, AigcLabel("p", "1"))
    signed = sign_bytes(labelled, generated())
    assert read(signed).state == "trusted"
    assert find_aigc(extract(Media.from_bytes(signed))) is not None


def test_huge_packets_are_refused(astronaut: np.ndarray) -> None:
    from PIL import PngImagePlugin

    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", OTHER_XMP.replace("archive", "a" * 70_000))
    buffer = io.BytesIO()
    Image.fromarray(astronaut[:32, :32]).save(buffer, "PNG", pnginfo=info)
    with pytest.raises(LimitExceeded, match="64 KB"):
        label(Media.from_bytes(buffer.getvalue()), GENERATED)

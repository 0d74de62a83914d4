"""Sound, PDF, SVG and pages: a manifest and nothing that is not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from assay.detector.verify_document import verify_document
from assay.errors import (
    AlreadyMarked,
    ConfigurationError,
    InputRefused,
    LimitExceeded,
    MisnamedFile,
    OutputRefused,
    UnsupportedMedia,
)
from assay.limits import Limits
from assay.media import Media
from assay.provenance import read
from assay.provenance.document_signing import sign_document
from assay.provenance.documents import Document, document_type, open_any
from assay.provenance.transparency import Log, LogProof, check

from . import samples
from .conftest import flipped

NAMES = {
    "audio/mp4": "a.m4a",
    "audio/wav": "a.wav",
    "audio/mpeg": "a.mp3",
    "audio/flac": "a.flac",
    "application/pdf": "a.pdf",
    "image/svg+xml": "a.svg",
}
PAGES = {"a.json": b'{"verdict": "generated"}', "a.html": b"<!DOCTYPE html><p>A report.</p>"}


def write(folder: Path, media_type: str) -> Path:
    path = folder / NAMES[media_type]
    path.write_bytes(samples.sample(media_type))
    return path


@pytest.mark.parametrize("media_type", NAMES)
def test_a_document_is_signed_and_verified(home: Path, tmp_path: Path, media_type: str) -> None:
    source = write(tmp_path, media_type)
    before, out = source.read_bytes(), tmp_path / f"signed-{source.name}"

    signed = sign_document(source, out=out, generator="a voice model")

    assert source.read_bytes() == before
    receipt = signed.receipt
    assert (receipt.payload, receipt.fingerprints) == (None, {})
    assert receipt.sha256_after == Document.open(out).sha256
    proof = LogProof.parse(receipt.log_proof)
    assert check(proof, receipt.manifest_label, receipt.sha256_after, Log().key())

    opened = open_any(out)
    assert isinstance(opened, Document)
    verification = verify_document(opened)
    assert verification.verdict.category == "generated"
    assert verification.media.media_type == media_type
    assert verification.media.width is None
    assert {entry.what for entry in verification.verdict.not_scored} >= {"watermark", "detector"}
    assert verification.find("c2pa-trusted")


@pytest.mark.parametrize("media_type", NAMES)
def test_a_changed_document_is_altered(home: Path, tmp_path: Path, media_type: str) -> None:
    source, out = write(tmp_path, media_type), tmp_path / f"signed-{NAMES[media_type]}"
    sign_document(source, out=out)
    original, data = source.read_bytes(), out.read_bytes()
    # A byte of the content: near its end, where every format keeps the original's own bytes.
    content = b"teal" if media_type == "image/svg+xml" else original[-1500:-1480]
    position = data.rindex(content) + 2
    document = Document(flipped(data, position), media_type)

    verification = verify_document(document)

    assert verification.verdict.category == "altered"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_gets_its_manifest_beside_it(home: Path, tmp_path: Path, name: str) -> None:
    page = tmp_path / name
    page.write_bytes(PAGES[name])

    sign_document(page, out=tmp_path / f"{name}.c2pa")

    assert page.read_bytes() == PAGES[name]
    opened = open_any(page)
    assert isinstance(opened, Document)
    assert verify_document(opened).verdict.category == "generated"
    page.write_bytes(PAGES[name] + b" ")
    changed = open_any(page)
    assert isinstance(changed, Document)
    assert verify_document(changed).verdict.category == "altered"
    with pytest.raises(OutputRefused, match="beside"):
        sign_document(page, out=tmp_path / f"signed-{name}", profile="edited", parent=page)


def test_a_page_alone_is_nothing_that_can_be_verified(tmp_path: Path) -> None:
    page = tmp_path / "a.json"
    page.write_bytes(b"{}")
    with pytest.raises(UnsupportedMedia):
        open_any(page)


def test_a_sound_file_that_says_nothing(tmp_path: Path) -> None:
    opened = open_any(write(tmp_path, "audio/wav"))
    assert isinstance(opened, Document)
    verification = verify_document(opened)
    assert verification.verdict.category == "no-evidence"
    assert verification.find("no-manifest")


def test_pictures_and_videos_are_media(save: object, video: Path) -> None:
    assert isinstance(open_any(video), Media)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"\xef\xbb\xbf <html></html>", "text/html"),
        (b' [1, 2, {"a": null}]', "application/json"),
        (b"{not json", None),
        (b"[" * 100_000, None),
        (b"Dear newsroom", None),
        (b"<xml/>", None),
        (b"\x00" * 100, None),
    ],
)
def test_what_a_document_is(data: bytes, expected: str | None) -> None:
    assert document_type(data) == expected


def test_bad_documents_are_refused(home: Path, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(samples.sample("audio/flac"))
    with pytest.raises(MisnamedFile):
        open_any(tmp_path / "a.wav")
    (tmp_path / "a.jpg").write_bytes(samples.sample("application/pdf"))
    with pytest.raises(MisnamedFile):
        open_any(tmp_path / "a.jpg")
    with pytest.raises(LimitExceeded):
        open_any(write(tmp_path, "audio/mpeg"), limits=Limits(max_bytes=100))
    (tmp_path / "a.pdf").write_bytes(b"")
    with pytest.raises(InputRefused, match="empty"):
        sign_document(tmp_path / "a.pdf")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.7\nnothing more")
    with pytest.raises(Exception, match="sign"):
        sign_document(tmp_path / "broken.pdf", out=tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_a_signed_document_keeps_its_history(home: Path, tmp_path: Path) -> None:
    source, out = write(tmp_path, "audio/mpeg"), tmp_path / "signed.mp3"
    sign_document(source, out=out)
    with pytest.raises(AlreadyMarked):
        sign_document(out)
    with pytest.raises(ConfigurationError, match="needs the picture"):
        sign_document(out, profile="edited")
    with pytest.raises(OutputRefused, match="is the source"):
        sign_document(source, out=source)

    edited = sign_document(source, profile="edited", parent=out)

    credentials = read(edited.document.data)
    assert [part.state for part in credentials.ingredients] == ["trusted"]
    assert credentials.origin == "generated"


def test_the_receipt_is_json(home: Path, tmp_path: Path) -> None:
    signed = sign_document(write(tmp_path, "image/svg+xml"))
    assert json.loads(signed.receipt.model_dump_json())["payload"] is None
    assert signed.path is None

from __future__ import annotations

import pytest

from assay.errors import AssayError
from assay.provenance import jumbf
from assay.provenance.formats import EMBEDDABLE, guess_media_type, signing_format
from assay.provenance.reading import read
from assay.provenance.signing import embed

from .conftest import flipped, generated
from .mutations import examine
from .samples import sample

# find_store reads the structure of these; in the others the store is left to the library.
STORE_IS_FOUND = set(EMBEDDABLE) - {"application/pdf", "image/svg+xml"}
MUTATIONS = 30


@pytest.fixture(params=sorted(EMBEDDABLE))
def media_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_every_format_signs_and_reads_back(home: object, media_type: str) -> None:
    manifest = generated()
    signed, store = embed(sample(media_type), media_type, manifest)
    credentials = read(signed)
    assert credentials.state == "trusted"
    assert credentials.manifest_label == manifest.label
    if media_type in STORE_IS_FOUND:
        assert credentials.manifest_bytes == store
        assert jumbf.count_manifests(store) == 1


def test_every_format_is_recognised_by_content(media_type: str) -> None:
    found = guess_media_type(sample(media_type))
    same = {"image/heif": "image/heic"}
    assert found == same.get(media_type, media_type)


def test_a_signed_file_keeps_its_type(home: object, media_type: str) -> None:
    plain = sample(media_type)
    signed, _ = embed(plain, media_type, generated())
    assert guess_media_type(signed) == guess_media_type(plain)


def test_content_changes_are_noticed_in_every_format(home: object, media_type: str) -> None:
    plain = sample(media_type)
    signed, store = embed(plain, media_type, generated(), thumbnail=False)
    at = content_position(signed, plain)
    credentials = read(flipped(signed, at))
    assert credentials.state == "invalid"
    assert any(problem.code.endswith("Hash.mismatch") for problem in credentials.problems)
    assert len(store) < len(signed)


def content_position(signed: bytes, plain: bytes) -> int:
    """A byte in the middle of the longest run of `plain` that signing left in place."""
    middle = len(plain) // 2
    for start in range(middle, len(plain) - 16):
        run = plain[start : start + 16]
        at = signed.find(run) if len(set(run)) > 8 else -1
        if at >= 0:
            return at + 8
    raise AssertionError("no content found")


def test_mutations_never_crash_or_keep_a_false_claim(home: object, media_type: str) -> None:
    """A small sample of what `mutate.py` does ten thousand times."""
    signed, _ = embed(sample(media_type), media_type, generated(), thumbnail=False)
    tally = examine(signed, media_type, MUTATIONS)
    assert tally.believed == []
    assert tally.slow == []
    assert "limit-exceeded" not in tally.outcomes
    assert tally.outcomes.get("invalid", 0) > 0


def test_truncated_files_never_pass(home: object, media_type: str) -> None:
    signed, _ = embed(sample(media_type), media_type, generated(), thumbnail=False)
    for keep in (0.3, 0.6, 0.9):
        try:
            credentials = read(signed[: int(len(signed) * keep)])
        except AssayError:
            continue
        assert credentials.state in ("none", "invalid")


def test_wrong_types_are_refused() -> None:
    with pytest.raises(AssayError, match="video/webm cannot carry"):
        signing_format("video/webm")
    with pytest.raises(AssayError):
        embed(b"not a jpeg", "image/jpeg", generated())


@pytest.mark.parametrize(
    "head",
    [
        b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x00abcd\x00\x00\x00\x00",
        b"RIFF\x00\x00\x00\x00WEBP" + b"abcd\x00\x00\x00\x00",
        b"\x00\x00\x00\x08ftyp" + b"\x00\x00\x00\x08free",
        b"GIF89a!\xff\x0bC2PA_GIF\x01\x00\x00" + b"\x01a",
        b"ID3\x04\x00\x00\x00\x00\x00\x00" + b"GEOB",
    ],
)
def test_millions_of_empty_parts_are_not_walked(head: bytes) -> None:
    """The number of steps is bounded: the same answer comes as fast for ten times the file."""
    part = head[-12:] if head[:4] == b"\x89PNG" else head[-8:] if b"C2PA" not in head else b"\x01a"
    steps: list[int] = []

    class Counting(bytes):
        def __getitem__(self, key: object) -> object:
            steps.append(1)
            return super().__getitem__(key)

    jumbf.find_store(Counting(head + part * 300_000))
    assert len(steps) < 290_000

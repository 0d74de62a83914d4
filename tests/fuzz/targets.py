"""What is fuzzed: our own parsers of what strangers send. Each takes bytes.

A target may raise the errors that its documentation names; anything else is a finding.
"""

from __future__ import annotations

import io
import struct
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from assay.addresses import is_public
from assay.api import paging
from assay.api.access.key_text import KeyText, redacted
from assay.datasets.manifests import read_manifest
from assay.errors import AssayError
from assay.media import Media
from assay.provenance import embedded, exif, jumbf, xmp
from assay.provenance.matching import exchange, segment_files
from assay.provenance.matching.features import Features
from assay.provenance.matching.hash_index import Batch, Segment
from assay.provenance.notes import LogKey, open_checkpoint
from assay.provenance.transparency import LogProof
from assay.reports.fairness.labels import read_labels
from assay.reports.fairness.manifest import read_manifest as read_audit_manifest
from assay.sniffing import find_polyglot, name_contradicts, sniff

_TYPES = (
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/tiff",
    "image/gif",
    "image/heic",
    "video/mp4",
)


@dataclass(frozen=True)
class Target:
    """One parser.

    Attributes:
        run: parses; returns nothing.
        seeds: valid inputs, to be changed a little.
        refusals: what it may raise.
    """

    run: Callable[[bytes], object]
    seeds: Sequence[bytes]
    refusals: tuple[type[Exception], ...] = (AssayError,)

    def __call__(self, data: bytes) -> None:
        try:
            self.run(data)
        except self.refusals:
            return


def _sniffed(data: bytes) -> None:
    media_type = sniff(data)
    if media_type:
        find_polyglot(data, media_type)
        name_contradicts("a.jpg", media_type)


def _stores(data: bytes) -> None:
    jumbf.find_store(data)
    jumbf.count_manifests(data)
    jumbf.claim_thumbnails(data)
    jumbf.check_limits(data)
    jumbf.active_only(data)


def _embedded(data: bytes) -> None:
    if data:
        media_type = _TYPES[data[0] % len(_TYPES)]
        embedded.extract(Media(data=data[1:], media_type=media_type, width=1, height=1))


def _notes(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    for parse in (LogKey.parse, LogProof.parse):
        try:
            parse(text)
        except AssayError:
            continue
    open_checkpoint(text, LogKey("example.org/log", bytes(32)))


def _service_text(data: bytes) -> None:
    text = data.decode("utf-8", "replace")
    assert KeyText.parse(redacted(text)) is None
    paging.decode(text)


def _address(data: bytes) -> None:
    is_public(data.decode("utf-8", "replace"))


def _file(parse: Callable[[Path], object], suffix: str) -> Callable[[bytes], None]:
    """A parser of files, given bytes."""

    def run(data: bytes) -> None:
        path = _folder() / f"input{suffix}"
        path.write_bytes(data)
        parse(path)

    return run


@cache
def _folder() -> Path:
    shared = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="fuzz-", dir=shared if shared.is_dir() else None))


def _picture(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (16, 12), "teal").save(buffer, kind, **options)
    return buffer.getvalue()


def _exif() -> bytes:
    tags = Image.Exif()
    tags[271], tags[305], tags[36867] = "Maker", "Software", "2026:01:01 00:00:00"
    return tags.tobytes()


_XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    b'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" dc:format="image/jpeg"><dc:title><rdf:Alt>'
    b'<rdf:li xml:lang="x-default">A</rdf:li></rdf:Alt></dc:title></rdf:Description>'
    b"</rdf:RDF></x:xmpmeta>"
)


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _store() -> bytes:
    """A manifest store's skeleton: superboxes with descriptions, and a content box."""
    describe = _box(b"jumd", b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03c2pa\x00")
    inner = _box(b"jumd", b"c2ma\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03urn:x\x00")
    return _box(b"jumb", describe + _box(b"jumb", inner + _box(b"cbor", b"\xa1aaab")))


def _segment() -> bytes:
    codes = np.arange(64, dtype=np.uint64).reshape(16, 4)
    path = _folder() / "seed.segment"
    segment = Segment.over(Batch(np.arange(16, dtype=np.int64), codes), 0, 15)
    segment_files.write(path, segment, kind="pdq", registry=bytes(16))
    return path.read_bytes()


_PROOF = LogProof(3, bytes(32), (bytes(32), bytes(32)), "o\n4\nAAAA\n\n— o AAAA\n").to_text()

TARGETS: dict[str, Target] = {
    "sniffing": Target(_sniffed, [_picture("JPEG"), _picture("PNG") + b"PK\x05\x06" + bytes(18)]),
    "media-header": Target(
        Media.from_bytes,
        [_picture("JPEG"), _picture("PNG"), _picture("WEBP"), _picture("TIFF"), _picture("GIF")],
    ),
    "exif": Target(exif.parse, [_exif(), _exif()[6:]]),
    "xmp": Target(xmp.parse, [_XMP]),
    "c2pa-boxes": Target(
        _stores, [_store(), _picture("JPEG"), _picture("PNG")], (AssayError, ValueError)
    ),
    "embedded-metadata": Target(
        _embedded,
        [
            b"\x00" + _picture("JPEG", exif=_exif(), xmp=_XMP),
            b"\x01" + _picture("PNG", exif=_exif()),
            b"\x02" + _picture("WEBP", exif=_exif(), xmp=_XMP),
            b"\x03" + _picture("TIFF"),
            b"\x04" + _picture("GIF"),
        ],
    ),
    "log-notes": Target(
        _notes, [_PROOF.encode(), b"example.org/log\n3\nAAAA\n\n\xe2\x80\x94 x y\n"]
    ),
    "index-segment": Target(
        _file(lambda p: segment_files.load(p, kind="pdq", registry=bytes(16)), ".segment"),
        [_segment()],
    ),
    "local-features": Target(Features.unpack, [bytes(72)], (ValueError,)),
    "works-csv": Target(
        _file(lambda p: list(exchange.read_list(p)), ".csv"),
        [b"id,title,pdq\nw,Title," + b"f0" * 32 + b"\n"],
    ),
    "works-json": Target(
        _file(lambda p: list(exchange.read_list(p)), ".json"),
        [b'[{"type":"HASH_PDQ","indicator":"' + b"f0" * 32 + b'","id":"1"}]'],
    ),
    "corpus-manifest": Target(
        _file(read_manifest, ".csv"), [b"path,label,source\na.jpg,real,camera\n"]
    ),
    "audit-manifest": Target(
        _file(read_audit_manifest, ".csv"), [b"path,prompt,seed\na.png,a doctor,1\n"]
    ),
    "audit-labels": Target(
        _file(read_labels, ".csv"), [b"path,attribute,value,rater\na.png,tone,3,r1\n"]
    ),
    "service-text": Target(
        _service_text,
        [b"assay_" + b"0" * 16 + b"_" + b"1" * 64, paging.encode([1.5, "a"]).encode()],
    ),
    "addresses": Target(
        _address, [b"127.0.0.1", b"::ffff:10.0.0.1", b"2002:7f00:1::"], (ValueError,)
    ),
}

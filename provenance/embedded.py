"""Metadata blocks inside a file: EXIF, XMP and text, cut out with bounds, nothing decoded."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from assay.media import Media
from assay.provenance import exif, xmp
from assay.provenance.jumbf import find_store

MAX_TEXT_BYTES = 2_000_000
"""Largest text chunk read; a ComfyUI workflow with hundreds of nodes stays under it."""
MAX_TEXTS = 200
_MAX_SEGMENTS = 100_000
_XMP_JPEG = b"http://ns.adobe.com/xap/1.0/\x00"
_XMP_START, _XMP_END = b"<x:xmpmeta", b"</x:xmpmeta>"


@dataclass
class Embedded:
    """What a file says about itself, unsigned.

    Attributes:
        exif: tag name -> text.
        xmp: properties of the packet.
        texts: keyword -> text: PNG text chunks, comments, container tags.
    """

    exif: dict[str, str] = field(default_factory=dict)
    xmp: xmp.Properties = field(default_factory=xmp.Properties)
    texts: dict[str, str] = field(default_factory=dict)

    def add_text(self, keyword: str, raw: bytes | str) -> None:
        if len(self.texts) < MAX_TEXTS and len(raw) <= MAX_TEXT_BYTES:
            text = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
            self.texts.setdefault(keyword, text)


def extract(media: Media) -> Embedded:
    """Metadata of a picture or video; unreadable blocks are skipped."""
    readers = {
        "image/jpeg": _from_jpeg,
        "image/png": _from_png,
        "image/webp": _from_webp,
        "image/tiff": _from_tiff,
        "image/gif": _from_gif,
        "image/avif": _from_scan,
        "image/heic": _from_scan,
    }
    found = Embedded()
    reader = readers.get(media.media_type)
    if reader is None:
        _from_video(media.data, found)
    else:
        reader(media.data, found)
    return found


def _from_jpeg(data: bytes, found: Embedded) -> None:
    position = 2
    for _ in range(_MAX_SEGMENTS):
        if position + 4 > len(data) or data[position] != 0xFF:
            return
        marker = data[position + 1]
        if marker in (0xDA, 0xD9):
            return
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position + 4 : position + 2 + length]
        if marker == 0xE1 and segment.startswith(b"Exif\x00\x00"):
            found.exif = found.exif or exif.parse(segment)
        elif marker == 0xE1 and segment.startswith(_XMP_JPEG):
            found.xmp = xmp.parse(segment[len(_XMP_JPEG) :])
        elif marker == 0xFE:
            found.add_text("Comment", segment)
        position += 2 + max(length, 2)


def _from_png(data: bytes, found: Embedded) -> None:
    for kind, body in _png_chunks(data):
        if kind == b"eXIf":
            found.exif = found.exif or exif.parse(body)
        elif kind in (b"tEXt", b"zTXt", b"iTXt"):
            keyword, text = _png_text(kind, body)
            if keyword == "XML:com.adobe.xmp":
                found.xmp = xmp.parse(text)
            elif keyword:
                found.add_text(keyword, text)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 8
    for _ in range(_MAX_SEGMENTS):
        if position + 12 > len(data):
            return
        length = int.from_bytes(data[position : position + 4], "big")
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += 12 + length


def _png_text(kind: bytes, body: bytes) -> tuple[str, bytes]:
    """Keyword and text of a text chunk (PNG third edition, 11.3.3)."""
    keyword, _, rest = body.partition(b"\x00")
    if kind == b"zTXt":
        rest = _inflate(rest[1:])
    elif kind == b"iTXt":
        compressed, rest = rest[:1] == b"\x01", rest[2:]
        rest = rest.partition(b"\x00")[2].partition(b"\x00")[2]
        rest = _inflate(rest) if compressed else rest
    elif kind == b"tEXt":
        rest = _latin1_or_utf8(rest)
    return keyword[:79].decode("latin-1"), rest


def _latin1_or_utf8(raw: bytes) -> bytes:
    """The standard says Latin-1; generators write UTF-8 all the same."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()
    return raw


def _inflate(raw: bytes) -> bytes:
    """At most `MAX_TEXT_BYTES` of a zlib stream; nothing of a damaged one."""
    try:
        return zlib.decompressobj().decompress(raw, MAX_TEXT_BYTES)
    except zlib.error:
        return b""


def _from_webp(data: bytes, found: Embedded) -> None:
    position = 12
    for _ in range(_MAX_SEGMENTS):
        if position + 8 > len(data):
            return
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        kind, body = data[position : position + 4], data[position + 8 : position + 8 + length]
        if kind == b"EXIF":
            found.exif = exif.parse(body)
        elif kind == b"XMP ":
            found.xmp = xmp.parse(body)
        position += 8 + length + (length & 1)


def _from_tiff(data: bytes, found: Embedded) -> None:
    found.exif = exif.parse(data)
    found.xmp = xmp.parse(_packet(data))


def _from_gif(data: bytes, found: Embedded) -> None:
    found.xmp = xmp.parse(_packet(data))
    comment = data.find(b"\x21\xfe")
    if 0 <= comment < len(data) - 3:
        found.add_text("Comment", data[comment + 3 : comment + 3 + data[comment + 2]])


def _from_scan(data: bytes, found: Embedded) -> None:
    """HEIF items: XMP packets are made to be found by scanning (ISO 16684-1, 7.3)."""
    found.xmp = xmp.parse(_packet(data))
    at = data.find(b"Exif\x00\x00")
    if at >= 0:
        found.exif = exif.parse(data[at : at + exif.MAX_VALUE_BYTES])


def _packet(data: bytes) -> bytes:
    """The file's own XMP packet; those inside a manifest belong to its ingredients."""
    store = find_store(data)
    start = data.find(_XMP_START)
    if store is not None and _XMP_START in store:
        manifest = data.find(store[:64])
        if 0 <= manifest <= start < manifest + len(store):
            start = data.find(_XMP_START, manifest + len(store))
    end = data.find(_XMP_END, start, start + xmp.MAX_PACKET_BYTES) if start >= 0 else -1
    return data[start : end + len(_XMP_END)] if end >= 0 else b""


def _from_video(data: bytes, found: Embedded) -> None:
    import av

    found.xmp = xmp.parse(_packet(data))
    try:
        with av.open(io.BytesIO(data)) as container:
            for keyword, text in container.metadata.items():
                found.add_text(keyword, text)
    except av.FFmpegError:
        return

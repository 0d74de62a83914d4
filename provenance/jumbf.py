"""Finding and measuring a manifest store in a file without validating it.

Used to enforce limits before the validator runs, and to keep the store of a signed file.
Reads container structure only (C2PA 2.4, appendix A; JUMBF: ISO/IEC 19566-5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from assay.errors import LimitExceeded

MAX_STORE_BYTES = 16_000_000
"""A chain of 100 edits, each with a 100 KB preview, and half as much again."""
MAX_MANIFESTS = 64
"""Reading time grows faster than the chain: 30 manifests take a quarter of a second."""

_BMFF_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_TIFF_TAG = 0xCD41
_MAX_PARTS = 100_000
"""Segments, chunks or boxes looked at: a hostile file can have millions of empty ones."""
_MAX_DIRECTORIES = 64


def check_limits(store: bytes, label: str = "input") -> None:
    """Refuse a manifest store that is too large or too long to validate.

    Raises:
        LimitExceeded: over `MAX_STORE_BYTES` or `MAX_MANIFESTS`.
    """
    if len(store) > MAX_STORE_BYTES:
        raise LimitExceeded(
            f"{label}: manifest store of {len(store):,} bytes, the limit is {MAX_STORE_BYTES:,}"
        )
    count = count_manifests(store)
    if count > MAX_MANIFESTS:
        raise LimitExceeded(f"{label}: {count} manifests, the limit is {MAX_MANIFESTS}")


def count_manifests(store: bytes) -> int:
    """Number of manifest superboxes in a store; 0 when it is not a JUMBF store."""
    for kind, start, end in _boxes(store, 0, len(store)):
        if kind == b"jumb":
            return sum(1 for inner, _, _ in _boxes(store, start, end) if inner == b"jumb")
    return 0


def find_store(data: bytes) -> bytes | None:
    """The manifest store embedded in a file, or None.

    Covers JPEG, PNG, RIFF (WebP, WAV, AVI), ISO base media (MP4, MOV, M4A, HEIC, AVIF),
    TIFF, GIF and ID3 (MP3). Other formats give None although they may carry one.
    """
    if data.startswith(b"\xff\xd8"):
        return _in_jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _in_png(data)
    if data[:4] == b"RIFF":
        return _in_riff(data)
    if data[4:8] == b"ftyp":
        return _in_bmff(data)
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return _in_tiff(data)
    if data[:3] == b"GIF":
        return _in_gif(data)
    if data[:3] == b"ID3":
        return _in_id3(data)
    return None


def _boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, content start and content end of each box (ISO/IEC 14496-12, 4.2)."""
    for _ in range(_MAX_PARTS):
        if start + 8 > end:
            return
        size = int.from_bytes(data[start : start + 4], "big")
        kind, header = data[start + 4 : start + 8], 8
        if size == 1:
            size, header = int.from_bytes(data[start + 8 : start + 16], "big"), 16
        elif size == 0:
            size = end - start
        if size < header or start + size > end:
            return
        yield kind, start + header, start + size
        start += size


def _in_jpeg(data: bytes) -> bytes | None:
    """APP11 segments with the JPEG XT marker "JP" carry the boxes in pieces."""
    parts: list[bytes] = []
    position = 2
    for _ in range(_MAX_PARTS):
        if data[position : position + 1] != b"\xff" or position + 4 > len(data):
            break
        marker = data[position + 1]
        if marker in (0xDA, 0xD9):
            break
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        segment = data[position + 4 : position + 2 + length]
        if marker == 0xEB and segment[:2] == b"JP":
            # CI(2) En(2) Z(4), then LBox(4) TBox(4), which continuations repeat.
            parts.append(segment[8:] if not parts else segment[16:])
        position += 2 + length
    store = b"".join(parts)
    return store if store[4:8] == b"jumb" else None


def _in_png(data: bytes) -> bytes | None:
    position = 8
    for _ in range(_MAX_PARTS):
        if position >= len(data):
            break
        length = int.from_bytes(data[position : position + 4], "big")
        if data[position + 4 : position + 8] == b"caBX":
            return data[position + 8 : position + 8 + length]
        position += 12 + length
    return None


def _in_riff(data: bytes) -> bytes | None:
    position = 12
    for _ in range(_MAX_PARTS):
        if position >= len(data):
            break
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        if data[position : position + 4] == b"C2PA":
            return data[position + 8 : position + 8 + length]
        position += 8 + length + (length & 1)
    return None


def _in_bmff(data: bytes) -> bytes | None:
    for kind, start, end in _boxes(data, 0, len(data)):
        if kind != b"uuid" or data[start : start + 16] != _BMFF_UUID:
            continue
        # usertype(16) version and flags(4) purpose (zero-terminated) offset(8) store
        zero = data.find(b"\x00", start + 20, end)
        if zero > 0 and data[start + 20 : zero] == b"manifest":
            return data[zero + 9 : end]
    return None


def _in_tiff(data: bytes) -> bytes | None:
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    directory = number(4, 4)
    for _ in range(_MAX_DIRECTORIES):
        if not 8 <= directory < len(data) - 2:
            return None
        entries = number(directory, 2)
        for index in range(entries):
            entry = directory + 2 + 12 * index
            if number(entry, 2) == _TIFF_TAG:
                length, offset = number(entry + 4, 4), number(entry + 8, 4)
                return data[offset : offset + length]
        directory = number(directory + 2 + 12 * entries, 4)
    return None


def _in_gif(data: bytes) -> bytes | None:
    """Application extension `C2PA_GIF`, its sub-blocks joined (C2PA 2.4, A.3)."""
    position = data.find(b"\x21\xff\x0bC2PA_GIF")
    if position < 0:
        return None
    position += 14
    parts: list[bytes] = []
    while position < len(data) and (length := data[position]) and len(parts) < _MAX_PARTS:
        parts.append(data[position + 1 : position + 1 + length])
        position += 1 + length
    return b"".join(parts)


def _in_id3(data: bytes) -> bytes | None:
    """The GEOB frame of type application/c2pa; the store follows three empty strings."""
    position = data.find(b"GEOB", 10, 10 + MAX_STORE_BYTES)
    for _ in range(_MAX_PARTS):
        if position < 0:
            return None
        mime_end = data.find(b"\x00", position + 11, position + 80)
        if b"c2pa" in data[position + 11 : mime_end]:
            start = data.find(b"jumb", mime_end, mime_end + 300) - 4
            if start > mime_end:
                length = int.from_bytes(data[start : start + 4], "big")
                return data[start : start + length]
        position = data.find(b"GEOB", position + 4, 10 + MAX_STORE_BYTES)
    return None


def active_only(store: bytes) -> bytes:
    """The store with its last manifest, the active one, and no other.

    Raises:
        ValueError: not a manifest store.
    """
    for kind, start, end in _boxes(store, 0, len(store)):
        if kind != b"jumb":
            continue
        children = list(_boxes(store, start, end))
        manifests = [child for child in children if child[0] == b"jumb"]
        if not manifests or children[0][0] != b"jumd":
            break
        description = store[start : children[0][2]]
        last = store[manifests[-1][1] - 8 : manifests[-1][2]]
        body = description + last
        return (len(body) + 8).to_bytes(4, "big") + b"jumb" + body
    raise ValueError("not a manifest store")


def claim_thumbnails(store: bytes) -> dict[str, bytes]:
    """The preview that each manifest of a store holds of its asset, as found: nothing decoded.

    Args:
        store: a manifest store; anything else gives nothing.

    Returns:
        Label of the manifest to the bytes of a picture, usually JPEG (C2PA 2.4, 18.17).
    """
    found: dict[str, bytes] = {}
    for _, start, end in _superboxes(store, 0, len(store)):
        for label, first, last in _superboxes(store, start, end):
            for _, one, two in _superboxes(store, first, last):
                for name, inner, outer in _superboxes(store, one, two):
                    if name.startswith("c2pa.thumbnail.claim"):
                        content = dict(_contents(store, inner, outer))
                        found[label] = content.get(b"bidb", b"")
    return {label: picture for label, picture in found.items() if picture}


def _superboxes(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Label, content start and content end of the superboxes in a range (ISO/IEC 19566-5, A.3)."""
    for kind, inner, outer in _boxes(data, start, end):
        if kind != b"jumb":
            continue
        first = next(_boxes(data, inner, outer), None)
        if first is None or first[0] != b"jumd":
            continue
        # UUID(16) toggles(1), then the label, zero-terminated.
        label = data[first[1] + 17 : first[2]].partition(b"\x00")[0]
        yield label.decode("utf-8", "replace"), inner, outer


def _contents(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    for kind, inner, outer in _boxes(data, start, end):
        yield kind, data[inner:outer]

"""EXIF (CIPA DC-008 3.0) text and exposure tags, read with bounds from hostile bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_ENTRIES = 512
MAX_VALUE_BYTES = 262_144
"""A ComfyUI workflow in a WebP file lives in one EXIF value and can be 100 KB."""

_NAMES = {
    0x010E: "ImageDescription",
    0x010F: "Make",
    0x0110: "Model",
    0x0131: "Software",
    0x013B: "Artist",
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISOSpeedRatings",
    0x9003: "DateTimeOriginal",
    0x9286: "UserComment",
    0x920A: "FocalLength",
    0xA434: "LensModel",
}
_EXIF_POINTER = 0x8769
_TYPE_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 7: 1, 9: 4, 10: 8, 129: 1}
_COMMENT_CODES = {b"ASCII\x00\x00\x00": "latin-1", b"\x00" * 8: "utf-8"}
_UNICODE = b"UNICODE\x00"


@dataclass(frozen=True)
class _Tiff:
    data: bytes
    order: Literal["little", "big"]

    def number(self, at: int, size: int) -> int:
        return int.from_bytes(self.data[at : at + size], self.order)


def parse(data: bytes) -> dict[str, str]:
    """Values of the tags this module knows, as text; damaged ones are left out.

    Args:
        data: a TIFF structure, with or without the `Exif` prefix.
    """
    data = data.removeprefix(b"Exif\x00\x00")
    if data[:4] == b"II*\x00":
        tiff = _Tiff(data, "little")
    elif data[:4] == b"MM\x00*":
        tiff = _Tiff(data, "big")
    else:
        return {}
    found: dict[str, str] = {}
    pointer = _directory(tiff, tiff.number(4, 4), found)
    if pointer:
        _directory(tiff, pointer, found)
    return found


def _directory(tiff: _Tiff, start: int, found: dict[str, str]) -> int | None:
    """Read one directory into `found`; returns the address of the Exif directory."""
    if not 8 <= start <= len(tiff.data) - 2:
        return None
    pointer = None
    for index in range(min(tiff.number(start, 2), MAX_ENTRIES)):
        entry = start + 2 + 12 * index
        if entry + 12 > len(tiff.data):
            break
        tag, kind = tiff.number(entry, 2), tiff.number(entry + 2, 2)
        if tag == _EXIF_POINTER:
            pointer = tiff.number(entry + 8, 4)
        elif tag in _NAMES:
            value = _value(tiff, entry, tag, kind)
            if value:
                found[_NAMES[tag]] = value
    return pointer


def _value(tiff: _Tiff, entry: int, tag: int, kind: int) -> str | None:
    size = _TYPE_SIZES.get(kind, 0) * tiff.number(entry + 4, 4)
    if not 0 < size <= MAX_VALUE_BYTES:
        return None
    start = entry + 8 if size <= 4 else tiff.number(entry + 8, 4)
    raw = tiff.data[start : start + size]
    if len(raw) < size:
        return None
    if kind == 5:
        bottom = tiff.number(start + 4, 4)
        return f"{tiff.number(start, 4) / bottom:g}" if bottom else None
    if kind in (3, 4):
        return str(tiff.number(start, _TYPE_SIZES[kind]))
    if _NAMES[tag] == "UserComment":
        return _comment(raw, tiff.order)
    return raw.split(b"\x00", 1)[0].decode("utf-8", "replace").strip()


def _comment(raw: bytes, order: Literal["little", "big"]) -> str:
    """UserComment starts with eight bytes that name its character code (4.6.5)."""
    code, body = raw[:8], raw[8:]
    if code == _UNICODE:
        # The standard leaves the byte order open; writers disagree. Text has more zero
        # bytes in the high half.
        high_first = body[::2].count(0) > body[1::2].count(0)
        return body.decode("utf-16-be" if high_first else "utf-16-le", "replace").strip("\x00 ")
    if code in _COMMENT_CODES:
        return body.decode(_COMMENT_CODES[code], "replace").strip("\x00 ")
    return raw.decode("utf-8", "replace").strip("\x00 ")

"""Formats that can carry a manifest, and the name each has in the C2PA library."""

from __future__ import annotations

from typing import Literal

from assay.errors import UnsupportedMedia
from assay.sniffing import sniff

EMBEDDABLE: dict[str, str] = {
    "image/jpeg": "image/jpeg",
    "image/png": "image/png",
    "image/webp": "image/webp",
    "image/avif": "image/avif",
    "image/heic": "image/heic",
    "image/heif": "image/heif",
    "image/tiff": "image/tiff",
    "image/gif": "image/gif",
    "image/x-adobe-dng": "image/x-adobe-dng",
    "image/svg+xml": "image/svg+xml",
    "video/mp4": "video/mp4",
    "video/quicktime": "video/quicktime",
    "audio/mp4": "audio/mp4",
    "audio/wav": "audio/wav",
    "audio/mpeg": "audio/mpeg",
    "audio/flac": "audio/flac",
    "application/pdf": "application/pdf",
}
"""IANA media type -> the library's name. Each pair is signed and read back in the tests."""


def signing_format(media_type: str) -> str:
    """The library's name for a media type.

    Raises:
        UnsupportedMedia: no manifest can be embedded in it.
    """
    try:
        return EMBEDDABLE[media_type]
    except KeyError:
        raise UnsupportedMedia(
            f"{media_type} cannot carry an embedded manifest",
            advice="`provenance.sign_detached` makes one that stands beside it; embeddable: "
            + ", ".join(EMBEDDABLE),
        ) from None


_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"%PDF-", "application/pdf"),
    (b"fLaC", "audio/flac"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
_AUDIO_BRANDS = (b"M4A ", b"M4B ")
_DNG_VERSION_TAG = 0xC612
_SVG_WINDOW = 1024


def guess_media_type(data: bytes) -> str | None:
    """Media type by content: everything `Media` opens, and audio, PDF, SVG and DNG besides.

    The C2PA library itself cannot recognise SVG, and needs to be told.
    """
    if data[4:8] == b"ftyp" and data[8:12] in _AUDIO_BRANDS:
        return "audio/mp4"
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return "audio/wav"
    if data[:3] == b"ID3":
        return "audio/flac" if data[_id3_end(data) :].startswith(b"fLaC") else "audio/mpeg"
    for magic, media_type in _SIGNATURES:
        if data.startswith(magic):
            return media_type
    sniffed = sniff(data)
    if sniffed == "image/tiff" and _has_dng_version(data):
        return "image/x-adobe-dng"
    if sniffed is None and b"<svg" in data[:_SVG_WINDOW].lower():
        return "image/svg+xml"
    return sniffed


def _id3_end(data: bytes) -> int:
    """Where the tag ends: a header of ten bytes, its size seven bits a byte (ID3v2.4, 3.1)."""
    size = 0
    for byte in data[6:10]:
        size = size << 7 | (byte & 0x7F)
    return 10 + size


def _has_dng_version(data: bytes) -> bool:
    """Whether the first TIFF directory has the DNGVersion tag (DNG 1.7)."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    start = int.from_bytes(data[4:8], order)
    count = int.from_bytes(data[start : start + 2], order)
    entries = range(start + 2, start + 2 + 12 * count, 12)
    return any(int.from_bytes(data[at : at + 2], order) == _DNG_VERSION_TAG for at in entries)

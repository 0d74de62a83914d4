"""What a file is, by its content; never by its name.

The table covers only what Assay opens. General sniffers were tried first: `puremagic`
reports HEIC as video/mp4, and a wrong type here would choose the wrong decoder.
"""

from __future__ import annotations

import re
from pathlib import PurePath

IMAGE_TYPES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/tiff",
        "image/avif",
        "image/heic",
    }
)

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)

# Major brands of ISO base media files (ISO/IEC 14496-12; HEIF: 23008-12; AVIF: AV1-ISOBMFF).
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"hevc": "image/heic",
    b"heim": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
    b"qt  ": "video/quicktime",
}

EXTENSIONS: dict[str, str] = {
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".jpe": "image/jpeg",
    ".jfif": "image/jpeg",
    ".png": "image/png",
    ".apng": "image/png",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".heif": "image/heic",
    ".hif": "image/heic",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
}

# Cameras and editors exchange these in practice; the container is the same.
_INTERCHANGEABLE = ({"video/mp4", "video/quicktime"}, {"video/webm", "video/x-matroska"})


def sniff(data: bytes) -> str | None:
    """The media type of `data`, or None when Assay does not handle it."""
    for magic, media_type in _SIGNATURES:
        if data.startswith(magic):
            return media_type
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp":
        return _iso_media_type(data)
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        return "video/webm" if b"webm" in data[:64] else "video/x-matroska"
    return None


def _iso_media_type(data: bytes) -> str:
    """Type of an ISO base media file from its major, then its compatible brands."""
    box = data[8 : min(int.from_bytes(data[:4], "big"), 512)]
    major, compatible = box[:4], {box[i : i + 4] for i in range(8, len(box) - 3, 4)}
    if major in (b"mif1", b"msf1") and compatible & {b"avif", b"avis"}:
        return "image/avif"
    return _BRANDS.get(major, "video/mp4")


def claimed_type(name: str) -> str | None:
    """The media type that a file name claims, or None when it claims none we know."""
    return EXTENSIONS.get(PurePath(name).suffix.lower())


def name_contradicts(name: str, media_type: str) -> bool:
    """Whether the file name claims a different type than the content has."""
    claimed = claimed_type(name)
    if claimed is None or claimed == media_type:
        return False
    return not any({claimed, media_type} <= group for group in _INTERCHANGEABLE)


_ZIP_END = b"PK\x05\x06"
_ZIP_END_SIZE = 22
_ZIP_COMMENT_MAX = 65_535
_ACTIVE_CONTENT = re.compile(
    rb"PK\x03\x04|%PDF-1|<script|<html|<!doctype html|<\?php|\x7fELF|Rar!\x1a\x07|7z\xbc\xaf'\x1c",
    re.IGNORECASE,
)


def find_polyglot(data: bytes, media_type: str) -> str | None:
    """Name the second format that `data` is also valid as, or None.

    Archive readers find a ZIP from its end, PDF readers accept a header in the first
    1024 bytes (ISO 32000-1 annex H), and browsers that sniff run markup that follows a
    picture. Ordinary trailing data (motion photos, gain maps, maker notes) is left alone.
    """
    if _has_zip_end(data):
        return "ZIP archive"
    if b"%PDF-1" in data[:1024]:
        return "PDF document"
    match = _ACTIVE_CONTENT.search(_after_end(data, media_type))
    if match is None:
        return None
    return {
        b"P": "ZIP archive",
        b"%": "PDF document",
        b"<": "web page or script",
        b"\x7f": "program",
        b"R": "RAR archive",
        b"7": "7-Zip archive",
    }[match.group()[:1].upper()]


def _has_zip_end(data: bytes) -> bool:
    """Whether an end-of-central-directory record (APPNOTE 4.3.16) closes the file exactly."""
    start = max(0, len(data) - _ZIP_END_SIZE - _ZIP_COMMENT_MAX)
    at = data.rfind(_ZIP_END, start)
    while at >= 0:
        comment = int.from_bytes(data[at + 20 : at + 22], "little")
        if at + _ZIP_END_SIZE + comment == len(data):
            return True
        at = data.rfind(_ZIP_END, start, at)
    return False


def _after_end(data: bytes, media_type: str) -> bytes:
    """The bytes behind the end marker of the picture, at most 1 MB of them."""
    if media_type == "image/png":
        end = data.find(b"IEND")
        tail = data[end + 8 :] if end >= 0 else b""
    elif media_type == "image/jpeg":
        end = data.rfind(b"\xff\xd9")
        tail = data[end + 2 :] if end >= 0 else b""
    elif media_type == "image/gif":
        end = data.rfind(b"\x00;")
        tail = data[end + 2 :] if end >= 0 else b""
    elif media_type == "image/webp":
        tail = data[int.from_bytes(data[4:8], "little") + 8 :]
    else:
        tail = b""
    return tail[:1_000_000]

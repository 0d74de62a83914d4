"""Uploaded files and the text beside them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Annotated
from urllib.parse import quote

from fastapi import Form, UploadFile
from pydantic import StringConstraints

from assay.errors import InputRefused, LimitExceeded, UnsupportedMedia
from assay.media import Media
from assay.provenance.documents import EMBEDDED
from assay.provenance.formats import guess_media_type
from assay.settings import settings
from assay.sniffing import sniff

HEADER_BYTES = 4096
LONGEST_TEXT = 10_000
# Text of one line: what it is written into (manifests, logs, tables) never sees a control code.
_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"

OneLine = Annotated[str, StringConstraints(max_length=1000, pattern=_ONE_LINE)]
ManyLines = Annotated[str, StringConstraints(max_length=LONGEST_TEXT, pattern=r"^[^\x00]*$")]

Line = Annotated[OneLine, Form()]
Text = Annotated[ManyLines, Form()]
OptionalLine = Annotated[OneLine | None, Form()]
OptionalText = Annotated[ManyLines | None, Form()]

# Whatever was uploaded or made from it is saved, never shown: it could be a page with a script.
ATTACHED = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


def read_media(file: UploadFile) -> Media:
    """Open an upload within the limits.

    Raises:
        InputRefused: as `Media.from_bytes`.
    """
    limits = settings().limits
    data = file.file.read(limits.max_bytes + 1)
    if len(data) > limits.max_bytes:
        raise LimitExceeded(f"{file_name(file) or 'upload'}: more than {limits.max_bytes:,} bytes")
    return Media.from_bytes(data, name=file_name(file), limits=limits)


def refuse_by_size(size: int) -> None:
    """Refuse what is over the limit, before a byte of it is read.

    Raises:
        LimitExceeded: `size` is.
    """
    most = settings().limits.max_bytes
    if size > most:
        raise LimitExceeded(f"upload: {size:,} bytes, the limit is {most:,}")


def refuse_by_header(header: bytes, name: str | None = None) -> None:
    """Refuse at once what no examiner would open.

    Args:
        header: the first `HEADER_BYTES` of a file, or more; all of a shorter one.
        name: of the file, for the message.

    Raises:
        InputRefused: the file is empty.
        UnsupportedMedia: it is of no type that Assay handles.
    """
    label = name or "upload"
    if not header:
        raise InputRefused(f"{label}: empty file")
    start = header[:HEADER_BYTES]
    if sniff(start) is None and guess_media_type(start) not in EMBEDDED:
        raise UnsupportedMedia(
            f"{label}: not a picture, video or document that Assay handles",
            advice="handled: JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, MP4, MOV, WebM; and for "
            "their Content Credentials PDF, SVG, M4A, MP3, WAV, FLAC",
        )


def file_name(file: UploadFile) -> str | None:
    """The name of a file, as `last_part`."""
    return last_part(file.filename or "")


def last_part(path: str) -> str | None:
    """The last part of the name that a caller gave, on one line; it is only ever repeated."""
    name = PurePosixPath(path.replace("\\", "/")).name
    return "".join(c for c in name if c.isprintable())[:200] or None


def attachment(name: str) -> str:
    """A `Content-Disposition` that saves under this name (RFC 6266)."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "._- ") else "_" for c in name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"

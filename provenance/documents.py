"""Files that carry provenance but no picture: sound, PDF, SVG, and pages with a manifest beside.

Nothing of them is decoded, so there is no watermark, no fingerprint and no detector for
them; their manifest is all there is.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from assay.errors import (
    InputRefused,
    MisnamedFile,
    UnsupportedMedia,
)
from assay.evidence import MediaSummary
from assay.files import read_whole
from assay.limits import Limits
from assay.media import Media
from assay.provenance.formats import guess_media_type
from assay.settings import settings
from assay.sniffing import claimed_type

EMBEDDED = frozenset(
    {
        "application/pdf",
        "audio/flac",
        "audio/mp4",
        "audio/mpeg",
        "audio/wav",
        "image/svg+xml",
    }
)
"""Types whose manifest goes inside."""
DETACHED = frozenset({"application/json", "text/html"})
"""Types whose manifest stands beside them, as `NAME.c2pa`."""
DETACHED_SUFFIX = ".c2pa"

_EXTENSIONS = {
    ".pdf": "application/pdf",
    ".flac": "audio/flac",
    ".m4a": "audio/mp4",
    ".m4b": "audio/mp4",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".svg": "image/svg+xml",
    ".json": "application/json",
    ".html": "text/html",
    ".htm": "text/html",
}
_HEAD = 4096
_HTML = (b"<!doctype html", b"<html")


@dataclass(frozen=True)
class Document:
    """A file without pixels, held as its bytes.

    Attributes:
        data: the bytes, never changed.
        media_type: IANA media type, by content; one of `EMBEDDED` or `DETACHED`.
        name: file name for messages, without its folder.
        manifest: of a detached type, the manifest store found beside the file.
    """

    data: bytes = field(repr=False)
    media_type: str
    name: str | None = None
    manifest: bytes | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls, path: str | Path, *, limits: Limits | None = None, any_extension: bool = False
    ) -> Document:
        """Read a file, and the manifest beside it where its type has it there.

        Args:
            path: a regular file.
            limits: default: those of the process's settings.
            any_extension: accept a file name that claims another type than the content.

        Raises:
            InputRefused: a subclass says why.
        """
        path = Path(path)
        max_bytes = (limits or settings().limits).max_bytes
        data = read_whole(path, max_bytes)
        name = os.fsencode(path.name).decode("utf-8", "replace")
        document = cls.from_bytes(data, name=name)
        claimed = claimed_type(path.name) or _EXTENSIONS.get(path.suffix.lower())
        if not any_extension and claimed not in (None, document.media_type):
            raise MisnamedFile(
                f"{path}: named {path.suffix} but the content is {document.media_type}",
                advice="rename it, or pass --any-extension to examine it as what it is",
            )
        beside = beside_of(path)
        if document.is_embedded or not beside.is_file():
            return document
        store = read_whole(beside, max_bytes)
        return cls(data, document.media_type, document.name, store)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str | None = None) -> Document:
        """Recognise bytes by their content.

        Raises:
            InputRefused: empty.
            UnsupportedMedia: not a document that can carry a manifest.
        """
        if not data:
            raise InputRefused(f"{name or 'input'}: empty file")
        media_type = document_type(data)
        if media_type is None:
            raise UnsupportedMedia(
                f"{name or 'input'}: not a format that can carry a manifest",
                advice="besides pictures and videos: M4A, WAV, MP3, FLAC, PDF and SVG, and JSON "
                "and HTML with the manifest beside them",
            )
        return cls(data, media_type, name)

    @property
    def is_embedded(self) -> bool:
        """Whether the manifest goes inside the file."""
        return self.media_type in EMBEDDED

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def summary(self) -> MediaSummary:
        """Identity for a report."""
        return MediaSummary(
            name=self.name, sha256=self.sha256, media_type=self.media_type, size=len(self.data)
        )


def document_type(data: bytes) -> str | None:
    """The type of a document, by content; None for anything else, pictures among them."""
    known = guess_media_type(data)
    if known is not None:
        return known if known in EMBEDDED else None
    start = data[:_HEAD].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.lower().startswith(_HTML):
        return "text/html"
    if start[:1] in (b"{", b"["):
        try:
            json.loads(data)
        except (ValueError, RecursionError):
            return None
        return "application/json"
    return None


def open_any(
    path: str | Path, *, limits: Limits | None = None, any_extension: bool = False
) -> Media | Document:
    """A picture or video as `Media`, anything else that can carry a manifest as `Document`.

    A page of JSON or HTML counts only with its manifest beside it.

    Raises:
        InputRefused: as `Media.open` and `Document.open`.
    """
    path = Path(path)
    if looks_like_document(path):
        document = Document.open(path, limits=limits, any_extension=any_extension)
        if document.is_embedded or document.manifest is not None:
            return document
    return Media.open(path, limits=limits, any_extension=any_extension)


def open_bytes(data: bytes, *, name: str | None = None) -> Media | Document:
    """As `open_any`, for bytes that have no file beside them.

    Raises:
        InputRefused: as `Media.from_bytes`.
    """
    if document_type(data) in EMBEDDED:
        return Document.from_bytes(data, name=name)
    return Media.from_bytes(data, name=name)


def looks_like_document(path: Path) -> bool:
    """Whether the beginning of a file is that of a document; what cannot be read is none."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return False
    known = guess_media_type(head)
    if known is not None:
        return known in EMBEDDED
    return head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[", b"<")


def beside_of(path: str | Path) -> Path:
    """Where the detached manifest of a file is: `report.html.c2pa`."""
    path = Path(path)
    return path.with_name(path.name + DETACHED_SUFFIX)

"""`Media`: bytes whose type, size and limits were checked before anything was decoded."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from assay.errors import (
    InputRefused,
    LimitExceeded,
    MisnamedFile,
    PolyglotFile,
    UnsupportedMedia,
)
from assay.files import read_whole
from assay.limits import Limits
from assay.sniffing import IMAGE_TYPES, find_polyglot, name_contradicts, sniff

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from assay.evidence import MediaSummary


T = TypeVar("T")


@dataclass(frozen=True)
class Media:
    """One picture, animation or video, held as its original bytes.

    Open with `Media.open(path)` or `Media.from_bytes(data)`; both refuse what is empty,
    unsupported, misnamed, a polyglot, or outside `Limits`. Pixels are decoded on demand.

    Attributes:
        data: the original bytes, never changed.
        media_type: IANA media type, by content.
        width, height: of the upright picture, in pixels.
        frames: number of frames; 1 for a still picture.
        seconds: duration of a video, else None.
        name: file name for messages, without its folder; None for anonymous bytes.
    """

    data: bytes = field(repr=False)
    media_type: str
    width: int
    height: int
    frames: int = 1
    seconds: float | None = None
    name: str | None = None
    limits: Limits = field(default_factory=Limits, repr=False)
    _known: dict[Hashable, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def open(
        cls, path: str | Path, *, limits: Limits | None = None, any_extension: bool = False
    ) -> Media:
        """Read a file.

        Args:
            path: a regular file.
            limits: default: those of the process's settings.
            any_extension: accept a file name that claims another type than the content.

        Raises:
            InputRefused: a subclass says why; see `assay.errors`.
        """
        path = Path(path)
        limits = limits or _default_limits()
        data = read_whole(path, limits.max_bytes)
        name = os.fsencode(path.name).decode("utf-8", "replace")
        media = cls.from_bytes(data, name=name, limits=limits)
        if not any_extension and name_contradicts(path.name, media.media_type):
            raise MisnamedFile(
                f"{path}: named {path.suffix} but the content is {media.media_type}",
                advice="rename it, or pass --any-extension to examine it as what it is",
            )
        return media

    @classmethod
    def from_bytes(
        cls, data: bytes, *, name: str | None = None, limits: Limits | None = None
    ) -> Media:
        """Check bytes and read their header; nothing is decoded yet.

        Raises:
            InputRefused: a subclass says why; see `assay.errors`.
        """
        from assay.decoding import probe

        limits = limits or _default_limits()
        label = name or "input"
        if not data:
            raise InputRefused(f"{label}: empty file")
        if len(data) > limits.max_bytes:
            raise LimitExceeded(
                f"{label}: {len(data):,} bytes, the limit is {limits.max_bytes:,}",
                advice="raise it with ASSAY_LIMITS__MAX_BYTES",
            )
        media_type = sniff(data)
        if media_type is None:
            raise UnsupportedMedia(
                f"{label}: not a picture or video format that Assay handles",
                advice="handled: JPEG, PNG, WebP, AVIF, HEIC, GIF, TIFF, MP4, MOV, WebM",
            )
        if second := find_polyglot(data, media_type):
            raise PolyglotFile(f"{label}: {media_type} that is also a {second}")
        header = probe(data, media_type, limits, label)
        return cls(
            data=data,
            media_type=media_type,
            width=header.width,
            height=header.height,
            frames=header.frames,
            seconds=header.seconds,
            name=name,
            limits=limits,
        )

    @property
    def size(self) -> int:
        """Number of bytes."""
        return len(self.data)

    @property
    def is_image(self) -> bool:
        return self.media_type in IMAGE_TYPES

    @cached_property
    def sha256(self) -> str:
        """Hex SHA-256 of the original bytes."""
        return hashlib.sha256(self.data).hexdigest()

    def once(self, key: Hashable, work: Callable[[], T]) -> T:
        """What `work` gives, done once for these bytes and this key.

        For readings that several examiners need, such as the manifest. The result is shared,
        so it must not be changed.
        """
        if key not in self._known:
            self._known[key] = work()
        known: T = self._known[key]
        return known

    def pixels(self) -> NDArray[np.uint8]:
        """The upright picture (first frame of a sequence) as sRGB uint8, HxWx3, read-only.

        Transparency is composed over white, as a page would show it.

        Raises:
            DamagedMedia: the content does not decode.
        """
        return self._pixels

    @cached_property
    def _pixels(self) -> NDArray[np.uint8]:
        first = next(self.frames_iter())
        first.flags.writeable = False
        return first

    def frames_iter(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame as `pixels()` gives it, one at a time, at most `limits.max_frames`.

        Raises:
            DamagedMedia: the content does not decode.
        """
        from assay.decoding import Header, decode_frames

        header = Header(self.width, self.height, self.frames, self.seconds)
        label = self.name or "input"
        return decode_frames(self.data, self.media_type, header, self.limits, label)

    def summary(self) -> MediaSummary:
        """Identity and dimensions for a report."""
        from assay.evidence import MediaSummary

        return MediaSummary(
            name=self.name,
            sha256=self.sha256,
            media_type=self.media_type,
            size=self.size,
            width=self.width,
            height=self.height,
            frames=self.frames,
        )


def _default_limits() -> Limits:
    from assay.settings import settings

    return settings().limits

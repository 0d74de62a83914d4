"""A file on its way to the service: a small one in memory, a large one read as it is sent."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal

from assay.errors import InputRefused, UnreadableFile

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY = 8 * 1_048_576
"""Bytes. Up to here a file is read once, into memory; a larger one is read as it is sent."""
HASHED_FIRST = 64_000_000
"""Bytes. Up to here the hash of a file is known before any byte is sent; to read a larger one
twice would take longer than what is won."""


@dataclass(frozen=True)
class Progress:
    """How far one call is.

    Attributes:
        stage: what happens now.
        done: bytes sent while "sending", examiners that finished while "examining".
        total: of the same, where it is known.
        detail: name of the examiner at work.
    """

    stage: Literal["sending", "queued", "examining", "done"]
    done: int = 0
    total: int | None = None
    detail: str | None = None


OnProgress = Callable[[Progress], None]


class Upload(io.RawIOBase):
    """A seekable file of bytes that tells how much of it was read.

    Attributes:
        name: told to the service, for people to recognise the file.
        size: bytes.
        sha256: hexadecimal; None for a file too large to be read ahead.
    """

    def __init__(
        self, file: IO[bytes], *, name: str, size: int, sha256: str | None, tell: OnProgress | None
    ) -> None:
        self.name = name
        self.size = size
        self.sha256 = sha256
        self._file = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        chunk = self._file.read(size)
        if self._tell is not None and chunk:
            self._tell(Progress("sending", self._file.tell(), self.size))
        return chunk

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True


@contextmanager
def opened(
    source: str | Path | bytes, *, name: str | None = None, tell: OnProgress | None = None
) -> Iterator[Upload]:
    """Bytes or a file, ready to be sent.

    Raises:
        UnreadableFile: the path cannot be read.
        InputRefused: there is nothing in it.
    """
    if isinstance(source, bytes):
        yield _in_memory(source, name or "upload", tell)
        return
    path = Path(source)
    name = name or path.name
    with _open(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size > IN_MEMORY:
            sha256 = _hash(file, path) if size <= HASHED_FIRST else None
            yield Upload(file, name=name, size=size, sha256=sha256, tell=tell)
            return
        data = _read(file, path)
    yield _in_memory(data, name, tell)


def _open(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _read(file: IO[bytes], path: Path) -> bytes:
    try:
        return file.read()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


def _hash(file: IO[bytes], path: Path) -> str:
    try:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
        file.seek(0)
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    return sha256


def _in_memory(data: bytes, name: str, tell: OnProgress | None) -> Upload:
    if not data:
        raise InputRefused(f"{name}: empty file")
    digest = hashlib.sha256(data).hexdigest()
    return Upload(io.BytesIO(data), name=name, size=len(data), sha256=digest, tell=tell)

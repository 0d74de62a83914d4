"""Files as a whole: read inside a limit, written so that a reader never sees half of one."""

from __future__ import annotations

import os
import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from assay.errors import LimitExceeded, OutputRefused, UnreadableFile

DAY = 86_400.0  # seconds
_PREFIX = ".assay-partial-"
_PARTIAL = re.compile(re.escape(_PREFIX) + r"[a-z0-9_]{8}(\.[^.]*)?")


def read_whole(path: Path, max_bytes: int) -> bytes:
    """The bytes of a regular file; one over the limit is not read.

    Raises:
        UnreadableFile: it is missing, something else, or may not be read.
        LimitExceeded: it is larger.
    """
    try:
        if not path.is_file():
            raise UnreadableFile(f"{path}: {_why_not_a_file(path)}")
        size = path.stat().st_size
        if size > max_bytes:
            raise LimitExceeded(
                f"{path}: {size:,} bytes, the limit is {max_bytes:,}",
                advice="raise it with ASSAY_LIMITS__MAX_BYTES",
            )
        return path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error


@contextmanager
def atomic_path(destination: str | Path) -> Iterator[Path]:
    """A temporary path beside `destination` that replaces it when the block succeeds.

    The temporary file has the same suffix, is flushed to disk before the rename, and is
    removed if the block raises. What a process that was killed left in the folder goes when it
    is a day old.

    Raises:
        OutputRefused: the folder cannot be written, the disk is full, or something that is
            not a regular file (a device, a folder) has the name.
    """
    destination = Path(destination)
    try:
        if destination.exists() and not destination.is_file():
            raise OutputRefused(f"{destination}: is not a regular file")
        destination.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=destination.parent, prefix=_PREFIX, suffix=destination.suffix
        )
    except OSError as error:
        raise OutputRefused(f"{destination}: {error.strerror or error}") from error
    os.close(handle)
    temporary = Path(name)
    _sweep(destination.parent.absolute(), int(time.time() // DAY))
    try:
        yield temporary
        os.chmod(temporary, 0o666 & ~_umask())
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, destination)
    except OSError as error:
        raise OutputRefused(f"{destination}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def refuse_same_file(source: str | Path, destination: str | Path) -> None:
    """A result never replaces what it was made from.

    Raises:
        OutputRefused: both names lead to one file.
    """
    try:
        same = os.path.samefile(source, destination)
    except OSError:
        return
    if same:
        raise OutputRefused(f"{destination}: is the source; choose another name")


def write_atomically(destination: str | Path, data: bytes | str) -> Path:
    """Write `data` to `destination` in one step.

    Raises:
        OutputRefused: as `atomic_path`.
    """
    payload = data.encode() if isinstance(data, str) else data
    with atomic_path(destination) as temporary:
        temporary.write_bytes(payload)
    return Path(destination)


@lru_cache(maxsize=256)
def _sweep(folder: Path, day: int) -> None:
    """Remove temporary files that no writer can still be at; looks once a day in each folder.

    Age decides and not the writer's process: that may live on another machine.
    """
    del day
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PARTIAL.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime > DAY:
                        os.unlink(entry.path)


def _why_not_a_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder"
    if path.exists() or path.is_symlink():
        return "is not a regular file"
    return "does not exist"


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current

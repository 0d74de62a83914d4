"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import OutputRefused


@contextmanager
def atomic_path(destination: str | Path) -> Iterator[Path]:
    """A temporary path beside `destination` that replaces it when the block succeeds.

    The temporary file has the same suffix, is flushed to disk before the rename, and is
    removed if the block raises.

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
            dir=destination.parent, prefix=f".{destination.stem[:40]}-", suffix=destination.suffix
        )
    except OSError as error:
        raise OutputRefused(f"{destination}: {error.strerror or error}") from error
    os.close(handle)
    temporary = Path(name)
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


def _umask() -> int:
    current = os.umask(0o022)
    os.umask(current)
    return current

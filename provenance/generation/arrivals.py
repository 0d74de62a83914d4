"""Files that a generator put into a folder, once it has finished writing them.

A folder is polled, because notifications of the kernel do not cross network file systems and
do not tell when a writer is done. A file counts as finished when

- its size, time and inode stayed the same for a while, and
- on Linux, nobody has it open for writing (where the file system can tell), or
- it was seen before under the name of an unfinished file: who writes under another name and
  renames at the end says so by that.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.sniffing import claimed_type

UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".crdownload", ".filepart")
"""Endings that browsers, copy tools and uploaders give to files they have not finished."""


@dataclass(frozen=True)
class Version:
    """What changes when a file does."""

    inode: int
    size: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> Version | None:
        """The version of a regular file; None for everything else."""
        try:
            status = os.lstat(path)
        except OSError:
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_ino, status.st_size, status.st_mtime_ns)


@dataclass(frozen=True)
class Arrival:
    """A finished file.

    Attributes:
        name: path below the folder.
        version: the one that was found to be finished.
    """

    path: Path
    name: str
    version: Version


class Arrivals:
    """Finished pictures and videos below a folder.

    Hidden files and folders, symbolic links and names without a media extension are passed
    over.

    Args:
        folder: looked through with everything below it.
        settle: seconds for which a file must not have changed.
        clock: seconds that only go up.
    """

    def __init__(
        self, folder: Path, settle: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._settle = settle
        self._clock = clock
        self._seen: dict[str, tuple[Version, float]] = {}
        self._unfinished: set[int] = set()

    @property
    def unsettled(self) -> int:
        """How many files were there in the last scan and not finished."""
        return self._waiting

    def scan(self) -> list[Arrival]:
        """Files that are finished now, in name order."""
        now = self._clock()
        seen: dict[str, tuple[Version, float]] = {}
        unfinished: set[int] = set()
        finished = []
        for path, name in _walk(self._folder):
            version = Version.of(path)
            if version is None:
                continue
            if claimed_type(path.name) is None or path.name.startswith("."):
                if _looks_unfinished(path.name):
                    unfinished.add(version.inode)
                continue
            before, since = self._seen.get(name, (None, now))
            since = since if before == version else now
            seen[name] = (version, since)
            renamed = version.inode in self._unfinished
            if renamed:
                unfinished.add(version.inode)
            if (renamed or now - since >= self._settle) and not _open_for_writing(path):
                finished.append(Arrival(path, name, version))
        self._seen, self._unfinished = seen, unfinished
        self._waiting = len(seen) - len(finished)
        return sorted(finished, key=lambda arrival: arrival.name)

    _waiting = 0


def _walk(folder: Path) -> Iterator[tuple[Path, str]]:
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in names:
            path = Path(root, name)
            yield path, path.relative_to(folder).as_posix()


def _looks_unfinished(name: str) -> bool:
    return name.startswith(".") or name.lower().endswith(UNFINISHED)


def _open_for_writing(path: Path) -> bool:
    """Whether another descriptor can write to this file, as far as the system tells.

    The kernel grants a read lease only on files that nobody has open for writing (fcntl(2)).
    Who opens the file in that instant is made to wait until the lease is given back; the
    signal that asks for it is set to one that is ignored by default.
    """
    lease = getattr(fcntl, "F_SETLEASE", None)
    if lease is None:
        return False
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, lease, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return False  # not the owner's process, or a file system without leases
    else:
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, lease, fcntl.F_UNLCK)
        return False
    finally:
        os.close(descriptor)

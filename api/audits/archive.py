"""Opening an archive from a stranger: no path leaves its folder, no bomb fills the disk."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO
from zlib import error as zlib_error

from assay.errors import DamagedMedia, InputRefused, LimitExceeded
from assay.limits import Limits

MOST_FILES = 50_000
MOST_BYTES = 4_000_000_000  # unpacked, in all
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_CLUTTER = ("__MACOSX", ".DS_Store", "Thumbs.db")
PIECE = 1_048_576


class BadArchive(InputRefused):
    """The archive cannot be used."""

    code = "bad-archive"


def check(stream: IO[bytes], limits: Limits) -> list[zipfile.ZipInfo]:
    """The files of a ZIP archive, all of which may be unpacked.

    Raises:
        BadArchive: not a ZIP, encrypted, an unusual compression, or a name that leaves the
            folder, is a link, or comes twice.
        LimitExceeded: too many files, or too large unpacked.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError) as error:
        raise BadArchive(f"not a readable ZIP archive: {error}") from error
    files = [info for info in infos if not info.is_dir() and not _is_clutter(info.filename)]
    if len(infos) > MOST_FILES:
        raise LimitExceeded(f"the archive has {len(infos):,} entries, the most is {MOST_FILES:,}")
    seen: set[str] = set()
    for info in files:
        _check(info, limits)
        if info.filename in seen:
            raise BadArchive(f"{_shown(info)}: is in the archive twice")
        seen.add(info.filename)
    if sum(info.file_size for info in files) > MOST_BYTES:
        raise LimitExceeded(f"the archive unpacks to more than {MOST_BYTES:,} bytes")
    return files


def unpack(stream: IO[bytes], folder: Path, limits: Limits) -> None:
    """Write the files of an archive into a folder; errors as `check`."""
    infos = check(stream, limits)
    budget = MOST_BYTES
    with zipfile.ZipFile(stream) as archive:
        for info in infos:
            target = folder.joinpath(*PurePosixPath(info.filename).parts)
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("xb") as copy:
                    for piece in _pieces(source, info, min(budget, limits.max_bytes)):
                        copy.write(piece)
                        budget -= len(piece)
            except (zipfile.BadZipFile, EOFError, zlib_error) as error:
                raise DamagedMedia(f"{_shown(info)}: damaged in the archive") from error
            except (FileExistsError, NotADirectoryError, IsADirectoryError) as error:
                raise BadArchive(f"{_shown(info)}: collides with another name") from error


def root_of(folder: Path) -> Path:
    """The folder that holds the files: archives often wrap them in one of their own."""
    inside = list(folder.iterdir())
    while len(inside) == 1 and inside[0].is_dir():
        folder = inside[0]
        inside = list(folder.iterdir())
    return folder


def _check(info: zipfile.ZipInfo, limits: Limits) -> None:
    path = PurePosixPath(info.filename)
    mode = info.external_attr >> 16
    if path.is_absolute() or ".." in path.parts or "\\" in info.filename or "\0" in info.filename:
        raise BadArchive(f"{_shown(info)}: leads out of the archive")
    if (
        len(info.filename.encode("utf-8", "surrogatepass")) > 1000
        or not info.filename.isprintable()
    ):
        raise BadArchive(f"{_shown(info)}: not a usable name")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise BadArchive(f"{_shown(info)}: is not a regular file")
    if info.flag_bits & 1:
        raise BadArchive(f"{_shown(info)}: is encrypted")
    if info.compress_type not in _METHODS:
        raise BadArchive(f"{_shown(info)}: has an unusual compression")
    if info.file_size > limits.max_bytes:
        raise LimitExceeded(f"{_shown(info)}: more than {limits.max_bytes:,} bytes")


def _pieces(source: IO[bytes], info: zipfile.ZipInfo, most: int) -> Iterator[bytes]:
    """The content, whatever the directory says about its size."""
    read = 0
    while piece := source.read(PIECE):
        read += len(piece)
        if read > most or read > info.file_size:
            raise LimitExceeded(f"{_shown(info)}: unpacks to more than it may")
        yield piece


def _is_clutter(name: str) -> bool:
    return any(part in _CLUTTER for part in PurePosixPath(name).parts)


def _shown(info: zipfile.ZipInfo) -> str:
    return ascii(info.filename[:200])

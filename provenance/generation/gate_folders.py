"""The two folders of the gate: which may be used, who holds them, how a file changes sides."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from assay.errors import ConfigurationError, InputRefused, UnreadableFile

PARTIAL = ".assay-gate-"
"""First part of names that a signed file has while it is copied between file systems."""


class NameTaken(InputRefused):
    """Another file has this name in the public folder."""

    code = "name-taken"


def taken(target: Path) -> NameTaken:
    """The error for a public name that is there already."""
    return NameTaken(
        f"{target}: another file has this name", advice="rename the new one, or remove the old one"
    )


def check_folders(private: Path, public: Path, originals: Path | None) -> None:
    """Neither folder may lie in the other: the gate would see its own output.

    Raises:
        ConfigurationError: one does.
        UnreadableFile: the private folder is none.
    """
    if not private.is_dir():
        raise UnreadableFile(f"{private}: is not a folder")
    inside, outside = private.resolve(), public.resolve()
    if inside == outside or inside in outside.parents or outside in inside.parents:
        raise ConfigurationError(f"{public}: lies in the private folder, or the other way round")
    if originals is not None:
        kept = originals.resolve()
        if any(kept == place or place in kept.parents for place in (inside, outside)):
            raise ConfigurationError(f"{originals}: originals need a folder of their own")


def hold(lock: TextIO, private: Path) -> None:
    """Keep other gates away until the file is closed or the process dies.

    Raises:
        ConfigurationError: another gate is at work.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise ConfigurationError(f"{private}: another gate works on this folder") from None


def release(result: Path, target: Path) -> None:
    """Give a signed file its public name, in one step and never over another file.

    A target with the same bytes was released before a crash.

    Raises:
        NameTaken: another file has the name.
        OSError: the public folder cannot be written.
    """
    if target.exists():
        if target.read_bytes() == result.read_bytes():
            return
        raise taken(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(result, target)
    except FileExistsError:
        raise taken(target) from None
    except OSError:  # another file system, or one without hard links
        _copy(result, target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)  # the name survives a loss of power
    finally:
        os.close(descriptor)


def free_name(path: Path) -> Path:
    """`path`, or with a number before its suffix when it is there already."""
    candidate, number = path, 1
    while candidate.exists():
        candidate, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return candidate


def _copy(result: Path, target: Path) -> None:
    partial = target.with_name(PARTIAL + result.parent.name)
    with partial.open("wb") as file:
        file.write(result.read_bytes())
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, target)

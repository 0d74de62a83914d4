"""From command-line arguments to the files they name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assay.cli.console import Refused
from assay.errors import AssayError, UnreadableFile, UnsupportedMedia
from assay.sniffing import claimed_type


def expand(arguments: Iterable[str]) -> list[Path | Refused]:
    """Every file named, and below every folder named every file with a media extension."""
    files: list[Path | Refused] = []
    for argument in arguments:
        try:
            files.extend(_expand_one(argument))
        except AssayError as error:
            files.append(Refused(argument, error))
    return files


def is_folder(path: Path) -> bool:
    """Whether this is a folder; a name the system cannot hold is none."""
    try:
        return path.is_dir()
    except OSError:
        return False


def media_files(folder: Path) -> list[Path]:
    """Files below `folder` with a media extension, hidden ones left out, in name order.

    Raises:
        UnreadableFile: there is none.
    """
    found = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and claimed_type(path.name)
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    if not found:
        raise UnreadableFile(f"{folder}: no pictures or videos in this folder")
    return found


def _expand_one(argument: str) -> list[Path]:
    if "://" in argument:
        raise UnsupportedMedia(
            f"{argument}: URLs are not fetched; Assay opens no network connection",
            advice="download the file and pass its path",
        )
    path = Path(argument)
    return media_files(path) if is_folder(path) else [path]

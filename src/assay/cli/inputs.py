"""From command-line arguments to the files they name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assay.errors import UnreadableFile, UnsupportedMedia
from assay.sniffing import claimed_type


def expand(arguments: Iterable[str]) -> list[Path]:
    """Every file named, and below every folder named every file with a media extension.

    Raises:
        UnreadableFile: a folder holds no media.
        UnsupportedMedia: an argument is a URL.
    """
    files: list[Path] = []
    for argument in arguments:
        if "://" in argument:
            raise UnsupportedMedia(
                f"{argument}: URLs are not fetched; Assay opens no network connection",
                advice="download the file and pass its path",
            )
        path = Path(argument)
        if path.is_dir():
            files.extend(media_files(path))
        else:
            files.append(path)
    return files


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

"""The files of a training set: each opened under limits, or refused with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.errors import InputRefused, UnreadableFile
from assay.media import Media
from assay.sniffing import claimed_type

ANIMATION_FRAMES_PER_SECOND = 10.0  # assumed where a file does not say, as matching does


@dataclass(frozen=True)
class Item:
    """One file that was examined.

    Attributes:
        name: its path below the folder, with forward slashes.
        size: in bytes.
        width, height: upright, in pixels.
        seconds: of a video, else None.
    """

    name: str
    sha256: str
    media_type: str
    size: int
    width: int
    height: int
    frames: int
    seconds: float | None

    @classmethod
    def of(cls, name: str, media: Media) -> Item:
        return cls(
            name=name,
            sha256=media.sha256,
            media_type=media.media_type,
            size=media.size,
            width=media.width,
            height=media.height,
            frames=media.frames,
            seconds=media.seconds,
        )

    @property
    def moving(self) -> bool:
        """An animation or a video."""
        return self.frames > 1

    @property
    def duration(self) -> float:
        """Seconds; of an animation that does not say, its frames at ten a second."""
        return self.seconds or self.frames / ANIMATION_FRAMES_PER_SECOND


@dataclass(frozen=True)
class Refused:
    """A file that could not be examined; it is never among those to keep."""

    name: str
    code: str
    reason: str

    @classmethod
    def because(cls, name: str, error: InputRefused) -> Refused:
        return cls(name, error.code, error.message)


@dataclass(frozen=True)
class Folder:
    """A folder with everything below it.

    Attributes:
        names: files with the extension of a picture or video, in name order.
        others: number of other files, which are not looked at.
    """

    path: Path
    names: tuple[str, ...]
    others: int

    @classmethod
    def of(cls, path: str | Path) -> Folder:
        """List a folder; hidden files and folders are left out.

        Raises:
            UnreadableFile: it is no folder, or has no picture or video.
        """
        path = Path(path)
        if not path.is_dir():
            raise UnreadableFile(f"{path}: not a folder")
        names, others = [], 0
        for file in sorted(path.rglob("*")):
            below = file.relative_to(path)
            if any(part.startswith(".") for part in below.parts) or not file.is_file():
                continue
            if claimed_type(file.name):
                names.append(below.as_posix())
            else:
                others += 1
        if not names:
            raise UnreadableFile(f"{path}: no pictures or videos in this folder")
        return cls(path, tuple(names), others)

    def open(self, name: str) -> Media:
        """The file of this name, whatever type its extension claims.

        Raises:
            InputRefused: a subclass says why.
        """
        if "\n" in name or "\r" in name:
            raise InputRefused(f"{name!r}: a list cannot carry a line break in a name")
        return Media.open(self.path / name, any_extension=True)

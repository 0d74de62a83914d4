"""Published benchmark folders as manifest rows.

Each loader recognises the layout by its folder names, so that `assay evaluate FOLDER` works on
a benchmark as it was downloaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from assay.datasets.manifests import NO_GENERATOR, Label, Row
from assay.errors import InputRefused

_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".avif"}

# Folder names that mean a class, per published layout.
_REAL = {"0_real", "nature", "real", "original_sequences"}
_GENERATED = {"1_fake", "ai", "fake", "manipulated_sequences"}


def read_folder(folder: str | Path) -> list[Row]:
    """Rows of a benchmark folder in any of the known layouts.

    GenImage: `GENERATOR/{train,val}/{ai,nature}/*`;
    ForenSynths: `GENERATOR[/CATEGORY]/{0_real,1_fake}/*`;
    Chameleon: `test/{0_real,1_fake}/*`;
    WildRF: `{train,val,test}/PLATFORM/{0_real,1_fake}/*`;
    Community Forensics (exported): `{real,fake}/SOURCE/*`;
    DeepfakeBench: `DATASET/{original_sequences,manipulated_sequences/METHOD}/.../frames/ID/*`.

    Raises:
        InputRefused: the folder holds no class folder of a known layout, or no picture.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputRefused(f"{folder}: not a folder")
    rows = sorted(_rows(folder), key=lambda row: row.path)
    if not rows:
        raise InputRefused(
            f"{folder}: no picture in a known benchmark layout",
            advice="write a manifest with the columns path,label,generator,source instead",
        )
    return rows


def _rows(folder: Path) -> Iterator[Row]:
    for path in folder.rglob("*"):
        if path.suffix.lower() not in _SUFFIXES:
            continue
        parts = path.relative_to(folder).parts[:-1]
        placed = _class_folder(parts)
        if placed is None:
            continue
        label, depth = placed
        describe = _describe(parts[depth])
        generator, source = describe(folder.name, parts, depth)
        yield Row(
            path=path,
            label=label,
            generator=generator if label == "generated" else NO_GENERATOR,
            source=source,
        )


def _class_folder(parts: tuple[str, ...]) -> tuple[Label, int] | None:
    """Label and position of the first folder whose name means a class."""
    for depth, name in enumerate(parts):
        if name.lower() in _REAL:
            return "real", depth
        if name.lower() in _GENERATED:
            return "generated", depth
    return None


Describe = Callable[[str, tuple[str, ...], int], tuple[str, str]]


def _above(name: str, parts: tuple[str, ...], depth: int) -> tuple[str, str]:
    """GenImage, ForenSynths, Chameleon, WildRF: the folders above name generator and source."""
    above = [part for part in parts[:depth] if part not in ("train", "val", "test")]
    collection = above[0] if above else name
    return collection, "/".join([name, *above])


def _below(name: str, parts: tuple[str, ...], depth: int) -> tuple[str, str]:
    """Community Forensics: the folder below the class is the generator or the photo source."""
    below = parts[depth + 1] if len(parts) > depth + 1 else "unknown"
    return below, below


def _sequences(name: str, parts: tuple[str, ...], depth: int) -> tuple[str, str]:
    """DeepfakeBench: the method below `manipulated_sequences`, the data set above."""
    method = parts[depth + 1] if len(parts) > depth + 1 else "unknown"
    dataset = parts[depth - 1] if depth else name
    return method, f"{dataset}/{method}"


def _describe(class_folder: str) -> Describe:
    name = class_folder.lower()
    if name in ("original_sequences", "manipulated_sequences"):
        return _sequences
    return _below if name in ("real", "fake") else _above

"""Manifests: the CSV files that say which picture is what and where it came from."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from assay.errors import InputRefused, UnreadableFile
from assay.files import atomic_path
from assay.table_text import decode, separator

Label = Literal["real", "generated"]

REQUIRED_COLUMNS = ("path", "label")
# The value that a camera photograph carries in the generator column.
NO_GENERATOR = "camera"


@dataclass(frozen=True)
class Row:
    """One picture of a labelled corpus.

    Attributes:
        path: where the picture is.
        label: "real" or "generated".
        generator: the model that made it; "camera" (or empty) for a real picture.
        source: the collection it came from: repository, photographer, data set folder.
        licence: as stated by the source.
        extra: every other column of the manifest, by name.
    """

    path: Path
    label: Label
    generator: str = NO_GENERATOR
    source: str = ""
    licence: str = ""
    extra: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def generated(self) -> bool:
        return self.label == "generated"


def read_manifest(path: str | Path) -> list[Row]:
    """Read a manifest CSV with at least the columns `path` and `label`.

    `generator`, `source` (or `source_repo`) and `licence` (or `license`) are understood, other
    columns are kept in `Row.extra`. Relative paths are relative to the manifest's folder.

    Raises:
        InputRefused: a column is missing, a label is neither real nor generated, or the file
            is not CSV text.
    """
    path = Path(path)
    records = read_table(path, REQUIRED_COLUMNS)
    rows = [_row(record, path, number) for number, record in enumerate(records, start=2)]
    if not rows:
        raise InputRefused(f"{path}: lists no picture")
    return rows


def read_table(
    path: str | Path, columns: Sequence[str], one_of: Sequence[str] = ()
) -> list[dict[str, str]]:
    """The records of a CSV file with a header line, in UTF-8, or in UTF-16 by its mark.

    Args:
        columns: names that have to be there.
        one_of: names of which one has to be there.

    Raises:
        InputRefused: a column is missing, or the file is not CSV text.
    """
    path = Path(path)
    try:
        text = decode(path.read_bytes())
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=separator(text))
        named = reader.fieldnames or ()
        missing = [name for name in columns if name not in named]
        if one_of and not any(name in named for name in one_of):
            missing.append(one_of[0])
        if missing:
            raise InputRefused(
                f"{path}: no column {' or '.join(map(repr, missing))}",
                advice="a manifest has the columns path,label[,generator,source,licence]",
            )
        return [{name: value or "" for name, value in record.items() if name} for record in reader]
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputRefused(f"{path}: not a CSV text file ({error})") from error


def write_manifest(rows: Sequence[Row], path: str | Path) -> None:
    """Write rows as a manifest; paths inside its folder become relative.

    Raises:
        OutputRefused: the file cannot be written.
    """
    path = Path(path)
    extra = sorted({name for row in rows for name in row.extra})
    with atomic_path(path) as temporary, temporary.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["path", "label", "generator", "source", "licence", *extra])
        for row in rows:
            where = row.path
            if where.is_relative_to(path.parent):
                where = where.relative_to(path.parent)
            fixed = [where.as_posix(), row.label, row.generator, row.source, row.licence]
            writer.writerow(fixed + [row.extra.get(name, "") for name in extra])


def cap_per_group(rows: Iterable[Row], most: int) -> list[Row]:
    """Keep at most `most` rows of each (label, generator, source), spread evenly over its order."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.label, row.generator, row.source), []).append(row)
    kept: list[Row] = []
    for members in groups.values():
        step = max(1.0, len(members) / most)
        kept.extend(members[int(i * step)] for i in range(min(most, len(members))))
    return kept


def _row(record: dict[str, str], manifest: Path, number: int) -> Row:
    label = record.pop("label").strip()
    if label not in ("real", "generated"):
        raise InputRefused(f"{manifest}, line {number}: label {label!r} is not real or generated")
    where = Path(record.pop("path").strip())
    source = record.pop("source", "") or record.pop("source_repo", "")
    licence = record.pop("licence", "") or record.pop("license", "")
    generator = record.pop("generator", "") or ("" if label == "generated" else NO_GENERATOR)
    return Row(
        path=where if where.is_absolute() else manifest.parent / where,
        label="generated" if label == "generated" else "real",
        generator=generator or "unknown",
        source=source or "unknown",
        licence=licence,
        extra=record,
    )

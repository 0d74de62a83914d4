"""The Parquet files of a scan: their columns, and writing them whole or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.files import atomic_path

INPUT = pa.schema([("uri", pa.string()), ("size", pa.int64()), ("sha256", pa.string())])
"""What a shard is to answer for."""

FILES = pa.schema(
    [
        ("uri", pa.string()),
        ("size", pa.int64()),
        ("sha256", pa.string()),
        ("error", pa.string()),
        ("message", pa.string()),
    ]
)
"""Every file with its identity, or why it has none."""

RESULTS = pa.schema(
    [
        ("sha256", pa.string()),
        ("uri", pa.string()),  # where this content was met first
        ("media_type", pa.string()),
        ("size", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("answer", pa.string()),
        ("details", pa.string()),  # JSON
        ("error", pa.string()),
        ("message", pa.string()),
    ]
)
"""One row for each distinct content."""


def part(folder: Path, shard: int) -> Path:
    """The file of one shard."""
    return folder / f"part-{shard:06d}.parquet"


def write(path: Path, rows: Iterable[Mapping[str, Any]], schema: pa.Schema) -> None:
    """Write a table; the same rows give the same bytes.

    Raises:
        OutputRefused: the folder cannot be written, or the disk is full.
    """
    table = pa.Table.from_pylist([dict(row) for row in rows], schema=schema)
    with atomic_path(path) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read(path: Path, columns: Sequence[str] | None = None) -> list[dict[str, Any]]:
    """The rows of a table that a scan wrote."""
    rows: list[dict[str, Any]] = pq.read_table(
        path, columns=list(columns) if columns else None
    ).to_pylist()
    return rows


def column(path: Path, name: str) -> list[Any]:
    """One column of a table that a scan wrote."""
    values: list[Any] = pq.read_table(path, columns=[name]).column(0).to_pylist()
    return values


def count(path: Path) -> int:
    """Number of rows, from the file's footer."""
    return int(pq.read_metadata(path).num_rows)

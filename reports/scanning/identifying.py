"""First pass: which files hold the same content. Every content is then answered once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import AssayError
from assay.reports.scanning import tables
from assay.reports.scanning.sources import read_bytes

ROWS_AT_ONCE = 4_000_000
"""Digests sorted in one go, a few hundred MB."""


def identify(out: Path, shards: int, *, threads: int, max_bytes: int) -> Iterator[int]:
    """Write `files/part-*`: every file with its SHA-256; yields files done, shard by shard.

    A digest that the source gave is taken over, and checked when the file is answered.
    """
    with ThreadPoolExecutor(threads) as pool:
        for shard in range(shards):
            path = tables.part(out / "files", shard)
            if path.exists():
                yield tables.count(path)
                continue
            wanted = tables.read(tables.part(out / "input", shard))
            rows = list(pool.map(lambda row: _identified(row, max_bytes), wanted))
            tables.write(path, rows, tables.FILES)
            yield len(rows)


def _identified(row: dict[str, Any], max_bytes: int) -> dict[str, Any]:
    if row["sha256"]:
        return {**row, "sha256": row["sha256"].lower()}
    try:
        data = read_bytes(row["uri"], max_bytes)
    except AssayError as refusal:
        return {**row, "error": refusal.code, "message": refusal.message}
    return {**row, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def first_met(out: Path, shards: int) -> Callable[[int], NDArray[np.bool_]]:
    """For a shard: which of its files are the first, in the plan's order, with their content.

    Files without an identity are each the first of their own.
    """
    sizes = [tables.count(tables.part(out / "files", shard)) for shard in range(shards)]
    starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    first = np.zeros(starts[-1], bool)
    passes = int(-(-starts[-1] // ROWS_AT_ONCE)) or 1
    for turn in range(passes):
        where, digests = _digests(out, starts, turn, passes)
        _, earliest = np.unique(digests, return_index=True)
        first[where[earliest]] = True
    for shard in range(shards):
        nameless = [d is None for d in tables.column(tables.part(out / "files", shard), "sha256")]
        first[starts[shard] : starts[shard + 1]] |= np.array(nameless, bool)
    return lambda shard: first[starts[shard] : starts[shard + 1]]


def _digests(
    out: Path, starts: NDArray[np.int_], turn: int, passes: int
) -> tuple[NDArray[np.int_], NDArray[np.bytes_]]:
    """Rows, and their digests, of those digests whose turn it is."""
    rows: list[int] = []
    digests: list[bytes] = []
    for shard in range(len(starts) - 1):
        column = tables.column(tables.part(out / "files", shard), "sha256")
        for row, digest in enumerate(column, int(starts[shard])):
            if digest is not None and int(digest[:8], 16) % passes == turn:
                rows.append(row)
                digests.append(bytes.fromhex(digest))
    return np.array(rows, int), np.array(digests, "S32")

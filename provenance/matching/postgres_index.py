"""The same search on PostgreSQL: a GIN index over chunk keys, rechecked by `bit_count`.

Approximate indexes (HNSW) were measured to miss exact copies; this one returns what the
in-process index returns. Every connection sees every committed row, so nothing is kept here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from assay.provenance.matching.hash_index import Hits
from assay.provenance.matching.multi_index import BUCKETS, CHUNK_BITS, CHUNKS
from assay.provenance.matching.schema import prints

KINDS = ("pdq", "difference")
_FLIPS = np.array([0, *(1 << bit for bit in range(CHUNK_BITS))], np.int64)


class PostgresIndex:
    """Searches one kind of code of the table `prints`.

    Args:
        kind: `pdq` or `difference`.
    """

    high = 0

    def __init__(self, engine: sa.Engine, kind: str) -> None:
        self._engine = engine
        self._kind = kind

    def refresh(self, newest: int = 0) -> None:
        """Nothing to do: the index is the table's own."""

    def seal_if_due(self) -> None:
        """Nothing to do."""

    def compact(self) -> None:
        """Nothing to do: PostgreSQL vacuums its index."""

    @property
    def size(self) -> int:
        """Number of codes."""
        with self._engine.connect() as connection:
            return int(connection.execute(sa.select(sa.func.count(prints.c.id))).scalar_one())

    def search(self, queries: NDArray[np.uint64], radius: int, *, exact: bool = True) -> Hits:
        """As `HashIndex.search`."""
        rows = ", ".join(
            f"({n}, CAST(:code{n} AS bit(256)), CAST(:keys{n} AS integer[]))"
            for n in range(len(queries))
        )
        statement = sa.text(
            f"SELECT q.n, p.id, bit_count(p.{self._kind}_bits # q.code) "
            f"FROM (VALUES {rows}) AS q(n, code, keys) "
            f"JOIN prints p ON p.{self._kind}_chunks && q.keys "
            f"WHERE bit_count(p.{self._kind}_bits # q.code) <= :radius"
        )
        values: dict[str, object] = {"radius": radius}
        for n, query in enumerate(queries):
            values[f"code{n}"] = bit_string(query.tobytes())
            values[f"keys{n}"] = _keys(query, exact=exact)
        with self._engine.connect() as connection:
            found = connection.execute(statement, values).all()
        table = np.array([tuple(row) for row in found], np.int64).reshape(-1, 3)
        return Hits(table[:, 0], table[:, 1], table[:, 2])


def index_columns(row: Mapping[str, Any], dialect: str) -> dict[str, Any]:
    """The columns of a print that only PostgreSQL searches; empty on other engines.

    Args:
        row: with the codes `pdq` and `difference`, of which one may be None.
    """
    columns: dict[str, Any] = {}
    for kind in KINDS:
        code = row[kind] if dialect == "postgresql" else None
        columns[f"{kind}_chunks"] = None if code is None else chunk_keys(code)
        columns[f"{kind}_bits"] = None if code is None else bit_string(code)
    return columns


def bit_string(code: bytes) -> str:
    """A code as PostgreSQL writes a bit string."""
    return f"{int.from_bytes(code, 'big'):0{len(code) * 8}b}"


def chunk_keys(code: bytes) -> list[int]:
    """A code as sixteen integers that name a chunk's position and its value."""
    values = np.frombuffer(code, "<u2").astype(int)
    return [position * BUCKETS + int(values[position]) for position in range(CHUNKS)]


def _keys(query: NDArray[np.uint64], *, exact: bool) -> list[int]:
    """The keys of every bucket that is looked into."""
    values = np.frombuffer(query.tobytes(), "<u2").astype(np.int64)
    near = values[:, None] ^ (_FLIPS if exact else _FLIPS[:1])
    keys: list[int] = (near + np.arange(CHUNKS)[:, None] * BUCKETS).ravel().tolist()
    return keys

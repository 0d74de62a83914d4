"""What migrations and moves need to know of the registry's tables."""

from __future__ import annotations

from assay.databases.schemas import Row, Schema
from assay.provenance.matching import schema
from assay.provenance.matching.postgres_index import KINDS, index_columns


def _derive(table: str, row: Row, dialect: str) -> Row:
    """On PostgreSQL the index searches columns that SQLite leaves empty."""
    if table != schema.prints.name:
        return row
    return {**row, **index_columns(row, dialect)}


SCHEMA = Schema(
    name="registry",
    metadata=schema.metadata,
    migrations="assay.provenance.matching.migrations",
    rebuilt=frozenset({schema.segments.name, schema.tombstones.name}),
    derived={
        schema.prints.name: frozenset(
            f"{kind}_{part}" for kind in KINDS for part in ("chunks", "bits")
        )
    },
    derive=_derive,
)

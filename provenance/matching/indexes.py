"""The three indexes of a registry and where each lives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from assay.provenance.matching.durable_index import DurableIndex
from assay.provenance.matching.hash_index import HashIndex, Index
from assay.provenance.matching.postgres_index import PostgresIndex
from assay.provenance.matching.schema import prints
from assay.provenance.matching.store import code_source, feature_source

# In memory until then: read from the table by each process, in well under a second.
SEAL_HASHES = 50_000
SEAL_DESCRIPTORS = 1_200_000  # about 4,000 works


@dataclass(frozen=True)
class Indexes:
    """PDQ hashes, keyed difference hashes, and local descriptors."""

    engine: sa.Engine
    pdq: Index
    difference: Index
    local: Index

    @classmethod
    def of(cls, engine: sa.Engine, registry: bytes) -> Indexes:
        """Files beside a SQLite database; on PostgreSQL its own index for the hashes."""
        local = HashIndex(feature_source(engine))
        if engine.dialect.name == "postgresql":
            return cls(
                engine, PostgresIndex(engine, "pdq"), PostgresIndex(engine, "difference"), local
            )
        database = str(engine.url.database or "")
        if not Path(database).is_file():
            pdq, difference = (
                HashIndex(code_source(engine, kind)) for kind in ("pdq", "difference")
            )
            return cls(engine, pdq, difference, local)
        folder = Path(f"{database}.index")
        durable = {
            kind: DurableIndex(
                source,
                engine=engine,
                kind=kind,
                folder=folder,
                registry=registry,
                seal_after=seal_after,
            )
            for kind, source, seal_after in (
                ("pdq", code_source(engine, "pdq"), SEAL_HASHES),
                ("difference", code_source(engine, "difference"), SEAL_HASHES),
                ("local", feature_source(engine), SEAL_DESCRIPTORS),
            )
        }
        return cls(engine, durable["pdq"], durable["difference"], durable["local"])

    @property
    def all(self) -> tuple[Index, Index, Index]:
        return self.pdq, self.difference, self.local

    def newest(self) -> int:
        """The highest number of a committed print."""
        with self.engine.connect() as connection:
            highest = connection.execute(sa.select(sa.func.max(prints.c.id))).scalar_one()
        return int(highest or 0)

    def refresh(self) -> int:
        """Take in everything that was committed before this call; its highest number."""
        newest = self.newest()
        for index in self.all:
            if index.high < newest:
                index.refresh(newest)
        return newest

    def seal_if_due(self) -> None:
        """Move what has gathered in memory to files."""
        self.refresh()
        for index in self.all:
            index.seal_if_due()

    def compact(self) -> None:
        """Rewrite every file without what was deleted."""
        for index in self.all:
            index.compact()

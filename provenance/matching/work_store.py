"""The records of works in one registry."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import sqlalchemy as sa

from assay.databases import lock_writers
from assay.provenance.matching.errors import NotRegistered, WorkRefused
from assay.provenance.matching.schema import prints, tombstones, works
from assay.provenance.matching.store import ID_CHUNK, Print
from assay.provenance.matching.works import GRAPHIC_KINDS, Work


class WorkStore:
    """What registrants said about their works."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def insert(self, connection: sa.Connection, work: Work) -> None:
        """Store a new work, inside the caller's transaction.

        Raises:
            WorkRefused: the id is taken.
        """
        if connection.execute(sa.select(works.c.id).where(works.c.id == work.id)).first():
            raise WorkRefused(f"work {work.id!r} is already registered")
        row = {
            "id": work.id,
            "record": work.model_dump(mode="json", exclude={"id"}, exclude_defaults=True),
            "training_opt_out": work.training_opt_out,
            "created": datetime.now(UTC),
        }
        connection.execute(works.insert(), row)

    def find(self, ids: Iterable[str]) -> dict[str, Work]:
        """Those of the works that are registered, by id."""
        wanted, found = list(ids), {}
        with self._engine.connect() as connection:
            for start in range(0, len(wanted), ID_CHUNK):
                chosen = works.c.id.in_(wanted[start : start + ID_CHUNK])
                for row in connection.execute(sa.select(works.c.id, works.c.record).where(chosen)):
                    found[row.id] = Work.parse({"id": row.id, **row.record})
        return found

    def by_id(self, work_id: str) -> Work:
        """What was registered under an id.

        Raises:
            NotRegistered: nothing was.
        """
        found = self.find([work_id])
        if work_id not in found:
            raise NotRegistered(f"no work {work_id!r} is registered")
        return found[work_id]

    def all(self, *, after: str = "") -> Iterator[Work]:
        """Every work after an id, by id."""
        query = sa.select(works.c.id, works.c.record).order_by(works.c.id)
        if after:
            query = query.where(works.c.id > after)
        with self._engine.connect() as connection:
            for row in connection.execution_options(yield_per=1000).execute(query):
                yield Work.parse({"id": row.id, **row.record})

    def remove(self, work_id: str) -> None:
        """Delete a work with its pictures.

        Raises:
            NotRegistered: there is no such work.
        """
        with self._engine.begin() as connection:
            lock_writers(connection)
            owned = sa.select(prints.c.id).where(prints.c.work_id == work_id)
            connection.execute(tombstones.insert().from_select([tombstones.c.print_id], owned))
            removed = connection.execute(works.delete().where(works.c.id == work_id))
            if not removed.rowcount:
                raise NotRegistered(f"no work {work_id!r} is registered")

    def declared_graphic(self, stored: Print) -> bool:
        """Whether the registrant declared flat artwork or lettering."""
        if stored.work_id is None:
            return False
        return any(work.kind in GRAPHIC_KINDS for work in self.find([stored.work_id]).values())

    def in_force(self, stored: Print) -> bool:
        """Whether the registration is valid today; manifests always are."""
        if stored.work_id is None:
            return True
        return all(work.in_force() for work in self.find([stored.work_id]).values())

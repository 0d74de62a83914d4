"""Works that were registered from the same bytes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.engine import URL

from assay.provenance.matching import database
from assay.provenance.matching.schema import prints
from assay.provenance.matching.work_store import WorkStore
from assay.provenance.matching.works import Work

_NAMES = {"id", "title"}  # what a work is called, not what may be done with it


class RegisteredFiles:
    """The works of a registry by the SHA-256 of the file they were registered from.

    Args:
        url: of an existing registry.

    Raises:
        RegistryMissing, RegistryUnusable: as `Registry`.
    """

    def __init__(self, url: URL) -> None:
        self._engine = database.connect(url, create=False)
        self._works = WorkStore(self._engine)

    def close(self) -> None:
        """Give back the database's connections."""
        self._engine.dispose()

    def works(self, sha256: str) -> list[Work]:
        """Every work that was registered from this file, by id."""
        query = sa.select(prints.c.work_id).where(
            prints.c.sha256 == sha256, prints.c.work_id.is_not(None)
        )
        with self._engine.connect() as connection:
            ids = sorted(set(connection.execute(query).scalars()))
        return list(self._works.find(ids).values())


def same_rights(one: Work, other: Work) -> bool:
    """Whether two works differ in their names alone."""
    return one.model_dump(exclude=_NAMES) == other.model_dump(exclude=_NAMES)

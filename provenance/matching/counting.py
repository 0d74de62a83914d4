"""How much is registered."""

from __future__ import annotations

import sqlalchemy as sa

from assay.provenance.matching.schema import manifests, prints, tombstones, works

COUNTED_ALWAYS = 10_000  # rows; counting so few takes under a millisecond


class LiveCount:
    """Rows of a table. A long count is repeated only after growth of a hundredth."""

    def __init__(self, engine: sa.Engine, table: sa.Table) -> None:
        self._engine = engine
        self._table = table
        self._count = 0
        self._newest = 0

    def __call__(self, newest: int) -> int:
        """The number of rows, give or take a hundredth.

        Args:
            newest: the highest print number, which grows with the table.
        """
        if self._count < COUNTED_ALWAYS or (newest - self._newest) * 100 > self._count:
            with self._engine.connect() as connection:
                self._count = _count(connection, self._table)
            self._newest = newest
        return self._count


def registered(engine: sa.Engine) -> dict[str, int]:
    """Rows by what they are."""
    tables = {
        "works": works,
        "manifests": manifests,
        "pictures": prints,
        "tombstones": tombstones,
    }
    opted_out = sa.select(sa.func.count()).where(works.c.training_opt_out)
    with engine.connect() as connection:
        counts = {name: _count(connection, table) for name, table in tables.items()}
        counts["training_opt_outs"] = int(connection.execute(opted_out).scalar_one())
    return counts


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())

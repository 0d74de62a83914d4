"""What a room says about its tables, so that they can be made, migrated and moved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

import sqlalchemy as sa

Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Schema:
    """The tables of one part of Assay; several share a PostgreSQL database.

    Attributes:
        name: such as `registry`; the table `alembic_NAME` holds its revision.
        metadata: the tables as the code uses them.
        migrations: package that holds Alembic's `env.py` and `versions/`.
        rebuilt: tables that another process makes anew and that are not moved.
        derived: columns, by table, that `derive` computes for the target of a move.
        derive: sets the derived columns of a row: (table, row, dialect name) -> row.
    """

    name: str
    metadata: sa.MetaData
    migrations: str
    rebuilt: frozenset[str] = frozenset()
    derived: Mapping[str, frozenset[str]] = field(default_factory=dict)
    derive: Callable[[str, Row, str], Row] = lambda table, row, dialect: row

    @property
    def version_table(self) -> str:
        return f"alembic_{self.name}"

    @property
    def script_location(self) -> str:
        return str(files(self.migrations))

    def owns(self, table: str) -> bool:
        """Whether a table of a database is one of this schema."""
        return table in self.metadata.tables or table == self.version_table

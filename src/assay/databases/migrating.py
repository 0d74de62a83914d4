"""Migrations through Alembic, both ways, inside one transaction that other openers wait for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from assay.databases.opening import lock_writers
from assay.databases.schemas import Schema
from assay.errors import ConfigurationError

logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of every look
_one_at_a_time = threading.Lock()  # Alembic keeps its context in a module


class DatabaseOutdated(ConfigurationError):
    """The database has the tables of another version of Assay."""

    code = "database-outdated"


def current(connection: sa.Connection, schema: Schema) -> str | None:
    """The revision of a database; None when this schema was never made in it."""
    return _context(connection, schema).get_current_revision()


@cache
def head(schema_migrations: str) -> str:
    """The revision that the code needs; `schema_migrations` is `Schema.migrations`."""
    from importlib.resources import files

    found = ScriptDirectory(str(files(schema_migrations))).get_current_head()
    assert found is not None, "a schema without migrations"
    return found


def prepare(engine: sa.Engine, schema: Schema) -> None:
    """Make the tables of a new database; refuse one of another revision.

    Raises:
        DatabaseOutdated: the tables are of another revision.
    """
    with engine.connect() as connection:
        found = current(connection, schema)
    if found is None:
        with engine.begin() as connection:
            lock_writers(connection)
            if current(connection, schema) is None and not _foreign(connection, schema):
                _run(connection, schema, "head")
            found = current(connection, schema)
    if found != (needed := head(schema.migrations)):
        raise DatabaseOutdated(
            f"the {schema.name} in {engine.url.database} is of revision {found or 'none'}, "
            f"this Assay needs {needed}",
            advice="back it up, then run: assay db upgrade",
        )


def upgrade(engine: sa.Engine, schema: Schema, revision: str = "head") -> None:
    """Bring a database up to a revision.

    Raises:
        ConfigurationError: there is no such revision.
    """
    with engine.begin() as connection:
        lock_writers(connection)
        _run(connection, schema, revision)


def downgrade(engine: sa.Engine, schema: Schema, revision: str) -> None:
    """Take a database back to a revision; `base` removes its tables.

    Raises:
        ConfigurationError: there is no such revision.
    """
    with engine.begin() as connection:
        lock_writers(connection)
        _run(connection, schema, revision, down=True)


def differences(connection: sa.Connection, schema: Schema) -> list[str]:
    """What the tables of a database have otherwise than the code says; empty when equal."""
    return [str(item) for item in compare_metadata(_context(connection, schema), schema.metadata)]


def _foreign(connection: sa.Connection, schema: Schema) -> bool:
    """Whether tables of this schema are there although no migration made them."""
    inspector = sa.inspect(connection)
    return any(inspector.has_table(name) for name in schema.metadata.tables)


def _context(connection: sa.Connection, schema: Schema) -> MigrationContext:
    return MigrationContext.configure(
        connection,
        opts={
            "version_table": schema.version_table,
            "include_name": lambda name, kind, parents: kind != "table" or schema.owns(name or ""),
            "include_object": _applies(connection.dialect.name),
            "target_metadata": schema.metadata,
        },
    )


def _applies(dialect: str) -> Callable[..., bool]:
    """Leaves out indexes of a kind that only PostgreSQL has."""

    def applies(item: Any, name: str, kind: str, reflected: bool, other: Any) -> bool:
        only_postgres = kind == "index" and item.dialect_options["postgresql"]["using"]
        return dialect == "postgresql" or not only_postgres

    return applies


def _run(connection: sa.Connection, schema: Schema, revision: str, *, down: bool = False) -> None:
    config = Config()
    config.set_main_option("script_location", schema.script_location.replace("%", "%%"))
    config.attributes.update(connection=connection, schema=schema)
    try:
        with _one_at_a_time:
            (command.downgrade if down else command.upgrade)(config, revision)
    except CommandError as error:
        raise ConfigurationError(f"{schema.name}: {error}") from error

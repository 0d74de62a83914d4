"""Engines on which what was acknowledged survives a crash, and one writer waits for another."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from assay.errors import ConfigurationError

BUSY_SECONDS = 30
"""How long a writer waits for another process's transaction."""
EMPTY_SECONDS = 5
"""How long emptying the log waits for readers; it is tried again."""
WRITER_LOCK = 0x6173736179
"""Serialises those who write on PostgreSQL where order matters; "assay" in ASCII."""


class DatabaseUnusable(ConfigurationError):
    """A database cannot be opened."""

    code = "database-unusable"


def locate(address: str) -> URL:
    """The SQLAlchemy URL of a URL or of a file's path, with the driver that Assay uses."""
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).absolute()))
    url = make_url(address)
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def engine_for(url: URL, **options: Any) -> sa.Engine:
    """An engine; SQLite gets a write-ahead log that is flushed at every commit.

    Raises:
        ModuleNotFoundError: the driver is not installed.
    """
    if url.get_backend_name() == "postgresql":
        # A server that was restarted costs a connection, not a request.
        options.setdefault("pool_pre_ping", True)
    engine = sa.create_engine(url, **options)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _durable)
    return engine


def reach(address: str) -> sa.Engine:
    """An engine for one task: it has answered once, and keeps no connection open.

    A file that is not there is not made.

    Raises:
        DatabaseUnusable: it does not exist, does not answer, or has no driver here.
    """
    url = locate(address)
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).is_file():
        raise DatabaseUnusable(f"{url.database}: no such database")
    try:
        engine = engine_for(url, poolclass=NullPool)
        engine.connect().close()
    except (DBAPIError, OSError) as error:
        cause = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise DatabaseUnusable(f"{url.render_as_string()}: {cause}") from error
    except ModuleNotFoundError as error:
        raise DatabaseUnusable(
            f"no driver for {url.drivername}", advice="pip install 'assay[scale]'"
        ) from error
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that reads and then writes: on SQLite it waits for other writers first."""
    with engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection


def lock_writers(connection: sa.Connection) -> None:
    """Wait until no other writer is at work, and keep others out until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))


def empty_log(engine: sa.Engine) -> bool:
    """Move SQLite's write-ahead log into the database, where deleted rows are overwritten.

    Returns:
        Whether nothing of it is left; a reader elsewhere can be in the way.
    """
    if engine.dialect.name != "sqlite":
        return True
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {EMPTY_SECONDS * 1000}")
        try:
            busy, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    return not busy


def _durable(connection: sqlite3.Connection, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()

"""Opening the registry's database so that what was acknowledged survives a crash."""

from __future__ import annotations

import os
import secrets
import sqlite3
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError

from assay.provenance.matching import schema
from assay.provenance.matching.difference_hash import KEY_BYTES
from assay.provenance.matching.errors import RegistryMissing, RegistryUnusable

BUSY_SECONDS = 30  # how long a writer waits for another process's transaction
# Serialises writers on PostgreSQL, so that prints become visible in the order of their numbers.
WRITER_LOCK = 0x6173736179


def locate(path_or_url: str | os.PathLike[str]) -> URL:
    """The SQLAlchemy URL of a registry given as a path or a URL."""
    text = os.fspath(path_or_url)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).absolute()))
    url = make_url(text)
    if url.drivername in ("postgresql", "postgres"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def exists(url: URL) -> bool:
    """Whether there is anything to read; asking never creates a database."""
    if url.get_backend_name() != "sqlite":
        return True
    return bool(url.database) and Path(str(url.database)).is_file()


def connect(url: URL, *, create: bool) -> sa.Engine:
    """An engine on an existing or, with `create`, a new registry.

    Raises:
        RegistryMissing: there is none and `create` is false.
        RegistryUnusable: the database cannot be opened or belongs to something else.
    """
    if not create and not exists(url):
        raise RegistryMissing(
            f"no registry at {url.database}", advice="register a work, or sign a file, first"
        )
    try:
        if create and url.get_backend_name() == "sqlite":
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = sa.create_engine(url)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _durable_sqlite)
        _prepare(engine, create=create)
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise RegistryUnusable(f"registry {url.database}: {cause}") from error
    except ModuleNotFoundError as error:
        raise RegistryUnusable(
            f"no driver for {url.drivername}", advice="pip install 'assay[scale]'"
        ) from error
    return engine


def _durable_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    """Write-ahead log, flushed at every commit: an acknowledged write survives power loss."""
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")
    cursor.close()


def _prepare(engine: sa.Engine, *, create: bool) -> None:
    if not sa.inspect(engine).has_table(schema.about.name):
        if not create:
            raise RegistryMissing(f"no registry in {engine.url.database}")
        with engine.begin() as connection:
            lock_writers(connection)
            schema.metadata.create_all(connection)
            if not read_about(connection):
                _introduce(connection)
    with engine.connect() as connection:
        version = read_about(connection)["version"]
    if version != str(schema.SCHEMA_VERSION).encode():
        raise RegistryUnusable(
            f"registry of version {version.decode()}, this Assay reads {schema.SCHEMA_VERSION}"
        )


def _introduce(connection: sa.Connection) -> None:
    """Give a new registry its version, its identity and its key."""
    values = {
        "version": str(schema.SCHEMA_VERSION).encode(),
        "registry": uuid4().bytes,
        "key": secrets.token_bytes(KEY_BYTES),
    }
    rows = [{"name": name, "value": value} for name, value in values.items()]
    connection.execute(schema.about.insert(), rows)


def read_about(connection: sa.Connection) -> dict[str, bytes]:
    """The registry's version, identity and key."""
    rows = connection.execute(sa.select(schema.about.c.name, schema.about.c.value))
    return {name: bytes(value) for name, value in rows}


def lock_writers(connection: sa.Connection) -> None:
    """Begin to write: wait until no other writer is at work, until the transaction ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))


def empty_log(engine: sa.Engine) -> None:
    """Move SQLite's write-ahead log into the database, where deleted rows are overwritten."""
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

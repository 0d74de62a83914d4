"""Opening the registry's database, and introducing itself in a new one."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from assay.databases import engine_for, lock_writers
from assay.databases import locate as locate_address
from assay.databases.migrating import prepare
from assay.provenance.matching import schema
from assay.provenance.matching.difference_hash import KEY_BYTES
from assay.provenance.matching.errors import RegistryMissing, RegistryUnusable
from assay.provenance.matching.migrating import SCHEMA


def locate(path_or_url: str | os.PathLike[str]) -> URL:
    """The SQLAlchemy URL of a registry given as a path or a URL."""
    return locate_address(os.fspath(path_or_url))


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
        DatabaseOutdated: it is of another version of Assay.
    """
    if not create and not exists(url):
        raise RegistryMissing(
            f"no registry at {url.database}", advice="register a work, or sign a file, first"
        )
    try:
        if create and url.get_backend_name() == "sqlite":
            Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = engine_for(url)
        if not create and not sa.inspect(engine).has_table(schema.about.name):
            raise RegistryMissing(f"no registry in {url.database}")
        prepare(engine, SCHEMA)
        _introduce(engine)
    except (DBAPIError, OSError) as error:
        cause = getattr(error, "orig", None) or error
        raise RegistryUnusable(f"registry {url.database}: {cause}") from error
    except ModuleNotFoundError as error:
        raise RegistryUnusable(
            f"no driver for {url.drivername}", advice="pip install 'assay[scale]'"
        ) from error
    return engine


def _introduce(engine: sa.Engine) -> None:
    """Give a new registry its identity and its key."""
    with engine.connect() as connection:
        if read_about(connection):
            return
    values = {"registry": uuid4().bytes, "key": secrets.token_bytes(KEY_BYTES)}
    rows = [{"name": name, "value": value} for name, value in values.items()]
    with engine.begin() as connection:
        lock_writers(connection)
        if not read_about(connection):
            connection.execute(schema.about.insert(), rows)


def read_about(connection: sa.Connection) -> dict[str, bytes]:
    """The registry's identity and key."""
    rows = connection.execute(sa.select(schema.about.c.name, schema.about.c.value))
    return {name: bytes(value) for name, value in rows}

"""Where the files of the transparency log are: a folder, or a table that many machines share."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol, cast

import sqlalchemy as sa

from assay.databases import Schema, engine_for, locate
from assay.databases.migrating import prepare
from assay.errors import OutputRefused
from assay.files import write_atomically
from assay.settings import settings

WRITER_LOCK = 0x6173736179_6C6F67
"""Number of the PostgreSQL lock that the one who appends holds; "assaylog" in ASCII."""

metadata = sa.MetaData()
log_files = sa.Table(
    "log_files",
    metadata,
    sa.Column("path", sa.String(200), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)
SCHEMA = Schema("log", metadata, "assay.provenance.log_migrations")


class LogStorage(Protocol):
    """Files by path, relative to the log's root; see https://c2sp.org/tlog-tiles for names."""

    def read(self, path: str) -> bytes | None:
        """The content of a file; None when there is none."""

    def write(self, path: str, data: bytes) -> None:
        """Store a file in one step."""

    def remove(self, folder: str) -> None:
        """Remove every file below a folder."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One writer at a time, across processes and machines.

        Raises:
            OutputRefused: the log cannot be written.
        """


class FolderStorage:
    """A folder, which any static file server can publish."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, path: str) -> bytes | None:
        try:
            return (self.folder / path).read_bytes()
        except FileNotFoundError:
            return None

    def write(self, path: str, data: bytes) -> None:
        write_atomically(self.folder / path, data)

    def remove(self, folder: str) -> None:
        import shutil

        shutil.rmtree(self.folder / folder, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        import fcntl

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / "lock").open("wb")
        except OSError as error:
            raise OutputRefused(f"{self.folder}: {error.strerror or error}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


class DatabaseStorage:
    """A table. What is written under the lock appears all at once, or not at all."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._here = threading.local()  # the writer's connection, while this thread is one

    def read(self, path: str) -> bytes | None:
        query = sa.select(log_files.c.data).where(log_files.c.path == path)
        if writer := getattr(self._here, "writer", None):
            return cast(bytes | None, writer.execute(query).scalar_one_or_none())
        with self._engine.connect() as connection:
            return connection.execute(query).scalar_one_or_none()

    def write(self, path: str, data: bytes) -> None:
        writer: sa.Connection = self._here.writer
        this = log_files.c.path == path
        if not writer.execute(log_files.update().where(this).values(data=data)).rowcount:
            writer.execute(log_files.insert().values(path=path, data=data))

    def remove(self, folder: str) -> None:
        below = log_files.c.path.startswith(f"{folder}/", autoescape=True)
        self._here.writer.execute(log_files.delete().where(below))

    @contextmanager
    def locked(self) -> Iterator[None]:
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(WRITER_LOCK)))
                self._here.writer = connection
                try:
                    yield
                finally:
                    del self._here.writer
        except sa.exc.DBAPIError as error:
            cause = str(error.orig).splitlines()[0]
            raise OutputRefused(f"the log's database: {cause}") from error


def log_storage() -> LogStorage:
    """The storage that the settings name: a server's database, else `log` under the home."""
    url = settings().database_url
    if url is None or locate(url).get_backend_name() == "sqlite":
        return FolderStorage(settings().home / "log")
    return DatabaseStorage(_engine(url, os.getpid()))


@cache
def _engine(url: str, process: int) -> sa.Engine:
    """One engine for each process: connections do not survive a fork."""
    engine = engine_for(locate(url))
    prepare(engine, SCHEMA)
    return engine

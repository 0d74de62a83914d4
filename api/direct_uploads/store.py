"""Queries on direct uploads.

A row outlives its use: until the address has expired, its holder can put the object anew, and
only the row tells the caretaker to remove it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import sqlalchemy as sa

from assay.api.direct_uploads.schema import uploads
from assay.api.errors import RetryLater, ServiceError
from assay.api.media_store import MediaStore
from assay.databases import writing

URL_SECONDS = 900.0
"""In which a caller must begin to put the file; the store looks when the request begins."""
KEPT_SECONDS = 3600.0
"""After which an upload is forgotten: time for a slow one to end, and to be examined."""
MOST_OPEN = 100
"""Uploads of one caller that nothing was made of yet."""
AT_ONCE = 500  # uploads of one sweep
_NOBODY = ""  # no caller has this id


class UnknownUpload(ServiceError):
    """There is no such upload of this caller, or its time is over."""

    code = "unknown-upload"
    http_status = 404


class TooManyUploads(RetryLater):
    """The caller has begun too many uploads and had none of them examined."""

    code = "too-many-uploads"
    http_status = 429


class AlreadyUsed(Exception):
    """Another request made a verification of the upload first."""


@dataclass(frozen=True)
class DirectUpload:
    """Permission to put one object.

    Attributes:
        name: as the caller named the file.
        kept_until: when it is forgotten.
        verification: what was made of it.
    """

    id: str
    caller: str
    name: str | None
    created: float
    kept_until: float
    verification: str | None

    @property
    def key(self) -> str:
        """Of the object in the media store."""
        return key_of(self.id)


def key_of(id: str) -> str:
    """The key of an upload's object: under one prefix, for which a bucket can have rules."""
    return f"uploads/{id}"


class DirectUploads:
    """The direct uploads in one database."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def add(self, id: str, caller: str, name: str | None) -> DirectUpload:
        """Write down a permission, before it is given.

        Requests of one caller at the same moment may pass the limit by as many.

        Raises:
            TooManyUploads: the caller has `MOST_OPEN` open ones.
        """
        now = time.time()
        mine = (uploads.c.caller == caller) & (uploads.c.kept_until > now)
        is_open = mine & uploads.c.verification.is_(None)
        counted = sa.select(sa.func.count(), sa.func.min(uploads.c.kept_until)).where(is_open)
        new = DirectUpload(id, caller, name, now, now + KEPT_SECONDS, None)
        with writing(self.engine) as connection:
            count, first = connection.execute(counted).one()
            if count >= MOST_OPEN:
                raise TooManyUploads(
                    f"{count} uploads of this caller are open",
                    seconds=max(1, round(first - now)),
                    advice="have them examined, or send files as multipart",
                )
            connection.execute(uploads.insert(), vars(new))
        return new

    def find(self, id: str, caller: str) -> DirectUpload:
        """One upload.

        Raises:
            UnknownUpload: there is none, it is another caller's, or nobody's any more, or its
                time is over.
        """
        query = sa.select(uploads).where(
            uploads.c.id == id, uploads.c.caller == caller, uploads.c.kept_until > time.time()
        )
        with self.engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise _unknown(id)
        return DirectUpload(**row)

    def withdraw(self, id: str, caller: str) -> None:
        """Take an upload from its caller: from now on there is none for anybody.

        Raises:
            UnknownUpload: as `find`.
        """
        if not self._erase((uploads.c.id == id) & (uploads.c.caller == caller)):
            raise _unknown(id)

    def forget(self, verification: str) -> list[DirectUpload]:
        """As `withdraw`, those that a verification was made of; which they are."""
        return self._erase(uploads.c.verification == verification)

    def _erase(self, which: sa.ColumnElement[bool]) -> list[DirectUpload]:
        change = uploads.update().where(which).values(caller=_NOBODY, name=None)
        with self.engine.begin() as connection:
            rows = connection.execute(change.returning(*uploads.c)).mappings().all()
        return [DirectUpload(**row) for row in rows]

    def remove(self, id: str) -> None:
        """Delete a row."""
        with self.engine.begin() as connection:
            connection.execute(uploads.delete().where(uploads.c.id == id))

    def due(self) -> list[DirectUpload]:
        """Some of those whose time is over, so that one that stays does not hold up the others."""
        over = sa.select(uploads).where(uploads.c.kept_until <= time.time())
        query = over.order_by(sa.func.random()).limit(AT_ONCE)
        with self.engine.connect() as connection:
            rows = connection.execute(query).mappings().all()
        return [DirectUpload(**row) for row in rows]


def _unknown(id: str) -> UnknownUpload:
    return UnknownUpload(f"no upload {id}", advice="begin a new one with POST /v1/uploads")


def use(connection: sa.Connection, upload: DirectUpload, verification: str) -> None:
    """Note what is made of an upload, in the transaction that makes it.

    Raises:
        AlreadyUsed: something was made of it, or it is gone or withdrawn.
    """
    change = uploads.update().where(
        uploads.c.id == upload.id,
        uploads.c.caller == upload.caller,
        uploads.c.verification.is_(None),
    )
    if connection.execute(change.values(verification=verification)).rowcount != 1:
        raise AlreadyUsed


def sweep(uploads: DirectUploads, store: MediaStore) -> int:
    """Delete what is past its time, objects and rows; how many.

    Raises:
        StoreUnavailable: an object could not be deleted; its row stays.
    """
    from assay.api import reservations

    due = uploads.due()
    for upload in due:
        store.delete(upload.key)
        reservations.forget(upload.id)  # the kept answer holds the address
        uploads.remove(upload.id)
    return len(due)

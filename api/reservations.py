"""The answers that are kept for an `Idempotency-Key`, and the requests that are at work for one."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any

import sqlalchemy as sa
from fastapi import Response
from sqlalchemy.exc import IntegrityError

from assay.api.errors import ServiceError
from assay.api.media_store import MediaStore
from assay.api.records import open_database
from assay.api.records.schema import idempotency, retention
from assay.databases import empty_log, writing
from assay.settings import settings

REPLAYED = "Idempotency-Replayed"
# Without a sign of life for so long, no answer will come: its process is gone.
ABANDONED_SECONDS = 8.0
_LEAST_KEPT_SECONDS = 900.0
_KEPT_HEADERS = ("content-type", "content-disposition", "location")
_PREFIX = "assay-"  # headers of ours are kept too
_LARGE = 262_144  # bytes; larger answers go to the media store

Change = Callable[[sa.Connection], None]
changes_of_request: ContextVar[list[Change] | None] = ContextVar(
    "assay-idempotency-changes", default=None
)


class KeyReused(ServiceError):
    """The Idempotency-Key was used for another request."""

    code = "idempotency-key-reused"
    http_status = 409


class StillAtWork(ServiceError):
    """The first request with this Idempotency-Key is still at work."""

    code = "idempotency-in-flight"
    http_status = 409

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "5"}


def with_answer(change: Change) -> None:
    """Write to the service's database together with the answer that is kept for the request.

    Without an `Idempotency-Key` it is written at once.

    Args:
        change: gets the connection of a transaction that ends later.
    """
    changes = changes_of_request.get()
    if changes is not None:
        changes.append(change)
        return
    with open_database().begin() as connection:
        change(connection)


class Reservation:
    """One key of one caller for one request."""

    def __init__(self, caller: str, key: str, request: str) -> None:
        self.request = request
        self._values = {"caller": caller, "key": key}
        self._of_key = (idempotency.c.caller == caller) & (idempotency.c.key == key)
        self._seen = 0.0  # the last sign of life, which nobody else can have written
        self._lock = threading.Lock()  # a sign of life may be late

    @property
    def _mine(self) -> sa.ColumnElement[bool]:
        """The row, as long as nobody took over."""
        return self._of_key & idempotency.c.status.is_(None) & (idempotency.c.created == self._seen)

    def take(self) -> Response | None:
        """Reserve the key; the stored answer where there is one.

        Raises:
            KeyReused: it was used for another request.
            StillAtWork: the first request is not answered yet.
        """
        try:
            row = self._insert()
        except IntegrityError as error:  # PostgreSQL lets two try at once
            raise StillAtWork("the first request with this Idempotency-Key is at work") from error
        if row is None:
            return None
        if row["request"] != self.request:
            raise KeyReused(
                "this Idempotency-Key belongs to another request", advice="draw a new one"
            )
        if row["status"] is None:
            raise StillAtWork("the first request with this Idempotency-Key is at work")
        return _stored(row)

    def _insert(self) -> sa.RowMapping | None:
        """The row that is there; None when it is now this reservation's."""
        now = time.time()
        with writing(open_database()) as connection:
            connection.execute(idempotency.delete().where(idempotency.c.created < now - _kept()))
            query = sa.select(idempotency).where(self._of_key)
            row = connection.execute(query).mappings().first()
            if row is not None and _is_over(row, now):
                connection.execute(idempotency.delete().where(self._of_key))
                row = None
            if row is None:
                self._seen = now
                values = {**self._values, "request": self.request, "created": now}
                connection.execute(idempotency.insert(), values)
        return row

    def renew(self) -> None:
        """A sign of life: the request is still at work."""
        with self._lock, open_database().begin() as connection:
            now = time.time()
            kept = idempotency.update().where(self._mine).values(created=now)
            if connection.execute(kept).rowcount:
                self._seen = now

    def answer(self, response: Response, changes: Sequence[Change] = ()) -> None:
        """Keep the answer, and write what belongs to it in the same transaction.

        Raises:
            StillAtWork: another request took over; nothing was written.
        """
        body = bytes(response.body)
        headers = {
            name: value
            for name, value in response.headers.items()
            if name in _KEPT_HEADERS or name.startswith(_PREFIX)
        }
        values: dict[str, Any] = {
            "status": response.status_code,
            "resource": resource_of(headers.get("location", "")),
        }
        engine = open_database()
        if len(body) > _LARGE:
            headers[_STORED] = _put_aside(engine, body)
            body = b""
        with self._lock, writing(engine) as connection:
            kept = connection.execute(
                idempotency.update()
                .where(self._mine)
                .values(**values, headers=json.dumps(headers), body=body)
            )
            if not kept.rowcount:
                raise StillAtWork("another request with this Idempotency-Key took over")
            for change in changes:
                change(connection)

    def release(self) -> None:
        """The request was refused or failed: it may be sent again."""
        with self._lock, open_database().begin() as connection:
            connection.execute(idempotency.delete().where(self._mine))


_STORED = "stored-in"  # not a header: key of the body in the media store


def resource_of(path: str) -> str | None:
    """The id that an address ends with."""
    return path.rstrip("/").rpartition("/")[2][:64] or None


def forget(resource: str) -> None:
    """Delete every kept answer about a resource."""
    engine = open_database()
    about = idempotency.c.resource == resource
    with engine.begin() as connection:
        rows = connection.execute(sa.select(idempotency.c.headers).where(about)).scalars().all()
        connection.execute(idempotency.delete().where(about))
    for headers in rows:
        key = json.loads(headers or "{}").get(_STORED)
        if key is not None:
            MediaStore.open().delete(key)
            with engine.begin() as connection:
                connection.execute(retention.delete().where(retention.c.key == key))
    if rows:
        empty_log(engine)


def _is_over(row: sa.RowMapping, now: float) -> bool:
    """Whether the answer will never come."""
    # A sign of life from the future is one of before the clock was set back.
    return row["status"] is None and bool(abs(now - row["created"]) > ABANDONED_SECONDS)


def _kept() -> float:
    """Seconds for which an answer is given again: as long as uploads are kept."""
    return max(settings().retention_hours * 3600, _LEAST_KEPT_SECONDS)


def _stored(row: sa.RowMapping) -> Response:
    headers = json.loads(row["headers"] or "{}")
    key = headers.pop(_STORED, None)
    body = bytes(row["body"] or b"")
    if key is not None:
        with MediaStore.open().get(key) as stored:
            body = stored.read()
    return Response(body, row["status"], headers={**headers, REPLAYED: "true"})


def _put_aside(engine: sa.Engine, body: bytes) -> str:
    """Keep a large answer in the media store, for as long as uploads are kept."""
    from uuid import uuid4

    key = uuid4().hex
    until = time.time() + _kept()
    with engine.begin() as connection:
        connection.execute(retention.insert(), {"key": key, "until": until})
    MediaStore.open().put(key, body)
    return key

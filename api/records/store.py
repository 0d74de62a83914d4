"""Queries on verifications and their events."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from assay.api.records.schema import events, retention, verifications
from assay.databases import writing

Status = Literal["queued", "running", "done", "failed"]
Priority = Literal["live", "batch"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
UNFINISHED: tuple[Status, ...] = ("queued", "running")

Change = Callable[[sa.Connection, str], None]
"""Called with the connection of a transaction and the id of a verification."""

_this = verifications.c


@dataclass(frozen=True)
class Record:
    """One verification as it stands.

    Attributes:
        attempts: how often its examination began; also the token of who may finish it.
        media: key in the media store; None once the media were deleted.
        category: of the verdict when done.
        result: JSON of the `Verification` when done.
        problem: the problem document when failed.
    """

    id: str
    caller: str
    status: Status
    priority: Priority
    attempts: int
    created: float
    finished: float | None
    name: str | None
    sha256: str
    size: int
    media: str | None
    category: str | None
    result: str | None
    problem: dict[str, Any] | None

    @property
    def is_finished(self) -> bool:
        return self.status not in UNFINISHED


@dataclass(frozen=True)
class Event:
    """Something that happened to a verification."""

    number: int
    kind: str
    data: dict[str, Any]


def new_id() -> str:
    """128 random bits: whoever knows the id was told it."""
    return secrets.token_hex(16)


class Records:
    """The verifications in one database.

    `owner` always is the id of the caller whose records are seen, None for every caller's.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    def add(
        self,
        *,
        id: str,
        caller: str,
        name: str | None,
        sha256: str,
        size: int,
        media: str,
        priority: Priority = "live",
        also: Change | None = None,
    ) -> Record:
        """Accept an upload.

        Args:
            also: writes more in the same transaction, given its connection and the id; if it
                raises, nothing is written.
        """
        row = {
            "id": id,
            "caller": caller,
            "status": "queued",
            "priority": priority,
            "attempts": 0,
            "created": time.time(),
            "name": name,
            "sha256": sha256,
            "size": size,
            "media": media,
        }
        with self.engine.begin() as connection:
            connection.execute(verifications.insert(), row)
            if also is not None:
                also(connection, id)
        missing = dict.fromkeys(("finished", "category", "result", "problem"))
        return record_of({**missing, **row})

    def get(self, id: str, owner: str | None = None) -> Record | None:
        """One record."""
        with self.engine.connect() as connection:
            row = connection.execute(_owned(sa.select(verifications), owner).where(_this.id == id))
            found = row.mappings().first()
        return record_of(found) if found else None

    def known(self, owner: str | None, hashes: Collection[str]) -> dict[str, str]:
        """SHA-256 to the id of the newest finished verification of those bytes."""
        query = _owned(sa.select(_this.sha256, _this.id), owner)
        query = query.where(_this.sha256.in_(hashes), _this.status == "done")
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(_this.created)).all()
        return {row.sha256: row.id for row in rows}

    def count_unfinished(self) -> int:
        """How many are queued or running."""
        query = sa.select(sa.func.count()).where(_this.status.in_(UNFINISHED))
        with self.engine.connect() as connection:
            return connection.execute(query).scalar_one()

    def unfinished(self, *, created_before: float, limit: int = 1000) -> dict[str, Priority]:
        """Those accepted before this time that have no result, oldest first."""
        query = sa.select(_this.id, _this.priority).where(
            _this.status.in_(UNFINISHED), _this.created < created_before
        )
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(_this.created).limit(limit)).all()
        return {row.id: row.priority for row in rows}

    def begin(self, id: str, examiners: Sequence[str]) -> tuple[Record, int] | None:
        """Start an examination; from now on only this attempt may finish it.

        Args:
            examiners: names of those that will run; told in the event `started`.

        Returns:
            The record and the number of its last event; None when it is finished or deleted.
        """
        with writing(self.engine) as connection:
            row = connection.execute(
                verifications.update()
                .where(_this.id == id, _this.status.in_(UNFINISHED))
                .values(status="running", attempts=_this.attempts + 1)
                .returning(*verifications.c)
            )
            found = row.mappings().first()
            if found is None:
                return None
            last = sa.select(sa.func.coalesce(sa.func.max(events.c.number), 0))
            number = connection.execute(last.where(events.c.verification == id)).scalar_one()
            record = record_of(found)
            started = {"attempt": record.attempts, "examiners": list(examiners)}
            news = [Event(number + 1, "started", started)]
            connection.execute(events.insert(), _rows(id, news))
        return record, number + 1

    def give_back(self, record: Record) -> None:
        """Let an attempt that never came to an examination not count.

        Args:
            record: as `begin` gave it; nothing happens if another attempt took over.
        """
        mine = (_this.id == record.id) & (_this.attempts == record.attempts)
        change = verifications.update().where(mine, _this.status == "running")
        with self.engine.begin() as connection:
            connection.execute(change.values(attempts=_this.attempts - 1))

    def tell(self, id: str, news: Sequence[Event]) -> bool:
        """Add events.

        Returns:
            False when the verification was deleted or another attempt took over.
        """
        try:
            with self.engine.begin() as connection:
                connection.execute(events.insert(), _rows(id, news))
        except IntegrityError:
            return False
        return True

    def finish(
        self,
        record: Record,
        *,
        result: str | None = None,
        problem: Mapping[str, Any] | None = None,
        category: str | None = None,
        news: Sequence[Event] = (),
    ) -> bool:
        """Write the one result, with the last events and the notices of the webhooks.

        Args:
            record: as `begin` gave it.
            result, problem: one of the two.
            category: of the verdict.

        Returns:
            False when it was deleted, or finished or taken over by another attempt.
        """
        from assay.api.webhooks.publishing import publish

        status: Status = "failed" if problem else "done"
        values = {
            "status": status,
            "finished": time.time(),
            "category": category,
            "result": result,
            "problem": json.dumps(problem) if problem else None,
        }
        with writing(self.engine) as connection:
            written = connection.execute(
                verifications.update()
                .where(
                    _this.id == record.id,
                    _this.status == "running",
                    _this.attempts == record.attempts,
                )
                .values(**values)
            )
            if written.rowcount != 1:
                return False
            if news:
                connection.execute(events.insert(), _rows(record.id, news))
            if problem:
                # It is not kept: should deleting it now fail, the next sweep does it.
                kept = retention.c.key == record.media
                connection.execute(retention.update().where(kept).values(until=0.0))
                publish(connection, "verification.failed", record.id, owner=record.caller)
            else:
                told = {"category": category}
                publish(
                    connection, "verification.completed", record.id, owner=record.caller, data=told
                )
        return True

    def forget_media(self, key: str) -> None:
        """Note that the media under this key are gone."""
        with self.engine.begin() as connection:
            change = verifications.update().where(_this.media == key).values(media=None)
            connection.execute(change)

    def delete(self, id: str) -> None:
        """Remove a record, its events, and what webhooks were to say of it."""
        from assay.api.webhooks.publishing import publish

        with writing(self.engine) as connection:
            deleted = connection.execute(
                verifications.delete().where(_this.id == id).returning(_this.caller)
            ).scalar_one_or_none()
            if deleted is not None:
                publish(connection, "verification.deleted", id, owner=deleted)

    def events(self, id: str, *, after: int = 0) -> list[Event]:
        """Events with higher numbers, in order."""
        query = sa.select(events).where(events.c.verification == id, events.c.number > after)
        with self.engine.connect() as connection:
            rows = connection.execute(query.order_by(events.c.number)).all()
        return [Event(row.number, row.kind, json.loads(row.data)) for row in rows]

    def states(self, ids: Collection[str]) -> dict[str, tuple[Status, int]]:
        """Status and number of the last event of those that exist."""
        last = sa.func.coalesce(sa.func.max(events.c.number), 0)
        query = (
            sa.select(_this.id, _this.status, last)
            .select_from(verifications.outerjoin(events))
            .where(_this.id.in_(ids))
            .group_by(_this.id, _this.status)
        )
        with self.engine.connect() as connection:
            return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _owned(query: sa.Select[Any], owner: str | None) -> sa.Select[Any]:
    return query if owner is None else query.where(_this.caller == owner)


def record_of(row: Mapping[Any, Any]) -> Record:
    """A row of the table."""
    problem = row["problem"]
    return Record(**{**row, "problem": json.loads(problem) if problem else None})


def _rows(id: str, news: Sequence[Event]) -> list[dict[str, Any]]:
    now = time.time()
    return [
        {
            "verification": id,
            "number": event.number,
            "kind": event.kind,
            "data": json.dumps(event.data),
            "created": now,
        }
        for event in news
    ]

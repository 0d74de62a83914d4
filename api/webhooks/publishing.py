"""Telling what happened: one message, one delivery for each endpoint that wants it."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from assay.api.access.schema import api_keys
from assay.api.webhooks.events import FORGETTING, Event, EventType
from assay.api.webhooks.schema import deliveries, endpoints, messages


def publish(
    connection: sa.Connection,
    event: EventType,
    subject: str,
    *,
    owner: str,
    data: dict[str, Any] | None = None,
) -> None:
    """Queue an event for every endpoint that asked for it.

    Call it in the transaction that makes the event true: then it is told if, and only if, it
    happened, whatever crashes.

    Args:
        subject: id of the resource; `data.id` of the message.
        owner: id of the caller whom the resource belongs to. Endpoints of others hear nothing,
            except those that an administrator made for everything.
        data: more for the receiver; nothing that `subject` is not needed to look up anyway.
    """
    if event == FORGETTING:
        forget(connection, subject)
    wanting = [
        row.id
        for row in connection.execute(
            sa.select(endpoints.c.id, endpoints.c.events).where(
                endpoints.c.disabled.is_(None),
                sa.or_(endpoints.c.owner == owner, endpoints.c.everything),
                ~_has_lost_its_key(),
            )
        )
        if event in row.events
    ]
    if wanting:
        message = _insert_message(connection, event, subject, data or {})
        queue(connection, message, wanting)


def publish_to(connection: sa.Connection, endpoint: str, event: EventType) -> str:
    """Queue an event about an endpoint for itself; the id of the delivery."""
    message = _insert_message(connection, event, endpoint, {})
    [delivery] = queue(connection, message, [endpoint])
    return delivery


def forget(connection: sa.Connection, subject: str) -> None:
    """Drop every message about a resource, with its deliveries and their log."""
    connection.execute(messages.delete().where(messages.c.subject == subject))


def queue(connection: sa.Connection, message: str, wanting: list[str]) -> list[str]:
    """A delivery of a message to each endpoint, due now; their ids."""
    now = time.time()
    rows = [
        {
            "id": f"dlv_{secrets.token_hex(16)}",
            "message": message,
            "endpoint": endpoint,
            "status": "pending",
            "tries": 0,
            "due": now,
            "created": now,
        }
        for endpoint in wanting
    ]
    connection.execute(deliveries.insert(), rows)
    return [str(row["id"]) for row in rows]


def _has_lost_its_key() -> sa.ColumnElement[bool]:
    """Whether the key that made an endpoint is revoked or expired: who lost it hears no more."""
    over = sa.or_(api_keys.c.revoked.is_not(None), api_keys.c.expires <= time.time())
    return sa.exists().where(endpoints.c.owner == "key:" + api_keys.c.id, over)


def _insert_message(
    connection: sa.Connection, event: EventType, subject: str, data: dict[str, Any]
) -> str:
    now = time.time()
    body = Event(
        type=event,
        timestamp=datetime.fromtimestamp(now, UTC).isoformat(),
        data={"id": subject, **data},
    )
    message = f"msg_{secrets.token_hex(16)}"
    connection.execute(
        messages.insert().values(
            id=message, event=event, subject=subject, body=body.model_dump_json(), created=now
        )
    )
    return message

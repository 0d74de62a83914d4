"""Endpoints and the delivery log in the database."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from assay.api.errors import ServiceError
from assay.api.webhooks import signing
from assay.api.webhooks.publishing import queue
from assay.api.webhooks.schema import attempts, deliveries, endpoints, messages


class UnknownWebhook(ServiceError):
    """No such webhook or delivery."""

    code = "unknown-webhook"
    http_status = 404


def add(
    engine: sa.Engine,
    *,
    owner: str,
    everything: bool,
    url: str,
    events: Sequence[str],
    description: str = "",
) -> tuple[str, str]:
    """A new endpoint; its id and its secret."""
    secret = signing.new_secret()
    endpoint = f"wh_{secrets.token_hex(12)}"
    with engine.begin() as connection:
        connection.execute(
            endpoints.insert().values(
                id=endpoint,
                owner=owner,
                everything=everything,
                url=url,
                description=description,
                events=list(events),
                secrets=[secret],
                created=time.time(),
                disabled=None,
            )
        )
    return endpoint, secret["secret"]


def listed(engine: sa.Engine, owner: str | None) -> list[sa.Row[Any]]:
    """Endpoints of an owner, or all for None; oldest first."""
    query = sa.select(endpoints).order_by(endpoints.c.created, endpoints.c.id)
    if owner is not None:
        query = query.where(endpoints.c.owner == owner)
    with engine.connect() as connection:
        return list(connection.execute(query))


def one(engine: sa.Engine, endpoint: str, owner: str | None) -> sa.Row[Any]:
    """One endpoint.

    Raises:
        UnknownWebhook: there is none with this id that `owner` (None: anyone) may see.
    """
    with engine.connect() as connection:
        row = connection.execute(_selected(endpoint, owner)).one_or_none()
    if row is None:
        raise UnknownWebhook(f"no webhook {endpoint}")
    return row


def change(engine: sa.Engine, endpoint: str, owner: str | None, values: dict[str, Any]) -> None:
    """Set columns of an endpoint; errors as `one`."""
    one(engine, endpoint, owner)
    if values:
        with engine.begin() as connection:
            connection.execute(
                endpoints.update().where(endpoints.c.id == endpoint).values(**values)
            )


def rotate(engine: sa.Engine, endpoint: str, owner: str | None) -> str:
    """A new secret, which signs beside the old ones for a day; errors as `one`."""
    held = signing.rotated(one(engine, endpoint, owner).secrets, time.time())
    change(engine, endpoint, owner, {"secrets": held})
    return held[0]["secret"]


def remove(engine: sa.Engine, endpoint: str, owner: str | None) -> None:
    """Delete an endpoint with its deliveries; errors as `one`."""
    one(engine, endpoint, owner)
    with engine.begin() as connection:
        connection.execute(endpoints.delete().where(endpoints.c.id == endpoint))


def log(
    engine: sa.Engine, endpoint: str, *, status: str | None, after: str | None, limit: int
) -> list[tuple[sa.Row[Any], list[sa.Row[Any]]]]:
    """Deliveries of an endpoint, newest first, each with its tries.

    Args:
        after: id of the last delivery of the page before.
    """
    query = (
        sa.select(deliveries, messages.c.event, messages.c.subject)
        .join(messages, messages.c.id == deliveries.c.message)
        .where(deliveries.c.endpoint == endpoint)
        .order_by(deliveries.c.created.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    if status is not None:
        query = query.where(deliveries.c.status == status)
    if after is not None:
        last = deliveries.alias()
        place = sa.select(last.c.created, last.c.id).where(last.c.id == after)
        query = query.where(
            sa.tuple_(deliveries.c.created, deliveries.c.id) < place.scalar_subquery()
        )
    with engine.connect() as connection:
        found = list(connection.execute(query))
        tries = connection.execute(
            sa.select(attempts)
            .where(attempts.c.delivery.in_([row.id for row in found]))
            .order_by(attempts.c.number)
        ).all()
    return [(row, [each for each in tries if each.delivery == row.id]) for row in found]


def replay(engine: sa.Engine, endpoint: str, delivery: str) -> str:
    """Send a message to an endpoint once more, from the first try on; id of the new delivery.

    Raises:
        UnknownWebhook: this endpoint never had such a delivery.
    """
    with engine.begin() as connection:
        message = connection.execute(
            sa.select(deliveries.c.message).where(
                deliveries.c.id == delivery, deliveries.c.endpoint == endpoint
            )
        ).scalar_one_or_none()
        if message is None:
            raise UnknownWebhook(f"no delivery {delivery} of webhook {endpoint}")
        [new] = queue(connection, message, [endpoint])
    return new


def replay_failed(engine: sa.Engine, endpoint: str, since: float) -> int:
    """Send again what an endpoint did not get since some time; how many messages."""
    arrived = sa.select(deliveries.c.message).where(
        deliveries.c.endpoint == endpoint, deliveries.c.status.in_(("delivered", "pending"))
    )
    query = (
        sa.select(deliveries.c.message)
        .distinct()
        .where(
            deliveries.c.endpoint == endpoint,
            deliveries.c.status == "failed",
            deliveries.c.created >= since,
            deliveries.c.message.not_in(arrived),
        )
    )
    with engine.begin() as connection:
        missed = list(connection.execute(query).scalars())
        for message in missed:
            queue(connection, message, [endpoint])
    return len(missed)


def _selected(endpoint: str, owner: str | None) -> sa.Select[Any]:
    query = sa.select(endpoints).where(endpoints.c.id == endpoint)
    return query if owner is None else query.where(endpoints.c.owner == owner)

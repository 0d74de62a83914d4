"""Sending what is due, and trying again later when it does not arrive.

The table of deliveries is the only state: a try is claimed by moving its due time, so several
workers share the work, and a worker that dies leaves a delivery that is due again.
"""

from __future__ import annotations

import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus

import sqlalchemy as sa

from assay import fetching
from assay.api.webhooks import signing
from assay.api.webhooks.schema import attempts, deliveries, endpoints, messages

MINUTE, HOUR = 60.0, 3600.0
SCHEDULE = (
    5.0,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    20 * HOUR,
    24 * HOUR,
)
"""Seconds between tries: the schedule that the Standard Webhooks specification suggests."""
JITTER = 0.1
"""Share by which a pause is drawn out, so that what failed together does not return together."""
TIMEOUT = 15.0
"""Seconds for one try; the specification suggests 15 to 30."""
LEASE = 4 * TIMEOUT
"""Seconds after which a try that was claimed and not reported counts as lost with its worker."""
AT_ONCE = 8
KEPT_DAYS = 30
"""How long the delivery log is kept."""


@dataclass(frozen=True)
class Due:
    """A claimed try."""

    delivery: str
    endpoint: str
    message: str
    tries: int
    url: str
    body: str
    secrets: list[signing.Secret]


def deliver_due(engine: sa.Engine) -> int:
    """Make tries that are due, through the client that refuses private addresses.

    Returns:
        How many were made; 0 when nothing is due.
    """
    claimed = _claim(engine, time.time())
    if not claimed:
        return 0
    with ThreadPoolExecutor(min(AT_ONCE, len(claimed))) as pool:
        list(pool.map(lambda due: _try(engine, due), claimed))
    return len(claimed)


def prune(engine: sa.Engine) -> int:
    """Drop messages older than `KEPT_DAYS`, with their deliveries and log; how many."""
    oldest = time.time() - KEPT_DAYS * 24 * HOUR
    with engine.begin() as connection:
        gone = connection.execute(messages.delete().where(messages.c.created < oldest))
    return gone.rowcount


def _claim(engine: sa.Engine, now: float) -> list[Due]:
    """Move the due time of what is due by a lease; what others were faster to claim is theirs."""
    query = (
        sa.select(deliveries, endpoints.c.url, endpoints.c.secrets, messages.c.body)
        .join(endpoints, endpoints.c.id == deliveries.c.endpoint)
        .join(messages, messages.c.id == deliveries.c.message)
        .where(deliveries.c.due <= now, endpoints.c.disabled.is_(None))
        .order_by(deliveries.c.due)
        .limit(4 * AT_ONCE)
    )
    claimed = []
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    for row in rows:
        with engine.begin() as connection:
            taken = connection.execute(
                deliveries.update()
                .where(deliveries.c.id == row.id, deliveries.c.due == row.due)
                .values(due=now + LEASE, tries=row.tries + 1)
            )
        if taken.rowcount:
            claimed.append(
                Due(
                    delivery=row.id,
                    endpoint=row.endpoint,
                    message=row.message,
                    tries=row.tries + 1,
                    url=row.url,
                    body=row.body,
                    secrets=row.secrets,
                )
            )
    return claimed


def _try(engine: sa.Engine, due: Due) -> None:
    started = time.time()
    answer: fetching.Fetched | None = None
    failure: str | None = None
    try:
        signed = signing.headers(due.message, due.body, due.secrets, started)
        # A redirect is not followed: like any status but 2xx it means "not received".
        answer = fetching.post(due.url, due.body.encode(), signed, timeout=TIMEOUT)
    except Exception as error:
        # Whatever goes wrong on the way to a stranger's server is an entry of the log.
        failure = f"{type(error).__name__}: {error}"[:500]
    ended = time.time()
    status = answer.status if answer else None
    with engine.begin() as connection:
        connection.execute(
            attempts.insert().values(
                delivery=due.delivery,
                at=started,
                seconds=ended - started,
                answer=status,
                failure=failure,
            )
        )
        connection.execute(
            deliveries.update()
            .where(deliveries.c.id == due.delivery)
            .values(**_outcome(answer, due.tries, ended))
        )
        if status == HTTPStatus.GONE:
            connection.execute(
                endpoints.update()
                .where(endpoints.c.id == due.endpoint)
                .values(disabled="the receiver answered 410 Gone")
            )


def _outcome(answer: fetching.Fetched | None, tries: int, now: float) -> dict[str, object]:
    """What becomes of a delivery after a try."""
    if answer is not None and 200 <= answer.status < 300:
        return {"status": "delivered", "due": None}
    gone = answer is not None and answer.status == HTTPStatus.GONE
    if gone or tries > len(SCHEDULE):
        return {"status": "failed", "due": None}
    pause = SCHEDULE[tries - 1] * random.uniform(1, 1 + JITTER)
    if answer is not None:
        pause = max(pause, _asked(answer.headers.get("retry-after", "")))
    return {"status": "pending", "due": now + pause}


def _asked(retry_after: str) -> float:
    """Seconds that a receiver asks for, no more than the longest pause of the schedule."""
    return min(float(retry_after), SCHEDULE[-1]) if retry_after.isdecimal() else 0.0

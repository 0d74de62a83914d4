"""`/v1/webhooks`."""

from __future__ import annotations

from datetime import UTC
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from assay import fetching
from assay.api.access import Caller, require
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.paging import Cursor, Id, Limit
from assay.api.problems import responses
from assay.api.records import open_database
from assay.api.webhooks import store
from assay.api.webhooks.publishing import publish_to
from assay.api.webhooks.shapes import (
    Deliveries,
    Delivery,
    NewWebhook,
    Queued,
    Replayed,
    ReplaySince,
    Secret,
    Webhook,
    WebhookChange,
    Webhooks,
    WebhookWithSecret,
)

CHECK_SECONDS = 10.0  # for looking up the host name of a receiver

Owner = Annotated[Caller, Depends(require("verify"))]


router = APIRouter(
    prefix="/v1/webhooks",
    tags=["webhooks"],
    route_class=IdempotentRoute,
    responses=responses(422),
)
_KNOWN = responses(404, 422)


@router.post(
    "", status_code=201, summary="Send events to an address", responses=responses(409, 422)
)
def create_webhook(
    new: NewWebhook, caller: Owner, response: Response, _key: IdempotencyKey = None
) -> WebhookWithSecret:
    """Events are delivered as Standard Webhooks, signed with the secret in the answer.

    The secret is shown this once. A webhook hears of its owner's resources; one made with the
    scope `admin` hears of everyone's.
    """
    fetching.check(new.url, timeout=CHECK_SECONDS)
    engine = open_database()
    endpoint, secret = store.add(
        engine,
        owner=caller.id,
        everything=caller.sees_all,
        url=new.url,
        events=new.events,
        description=new.description,
    )
    response.headers["Location"] = f"{router.prefix}/{endpoint}"
    made = Webhook.of(store.one(engine, endpoint, None))
    return WebhookWithSecret(**made.model_dump(), secret=secret)


@router.get("", summary="Webhooks of the caller")
def list_webhooks(caller: Owner) -> Webhooks:
    rows = store.listed(open_database(), _limit(caller))
    return Webhooks(items=[Webhook.of(row) for row in rows])


@router.get("/{webhook_id}", summary="One webhook", responses=_KNOWN)
def get_webhook(webhook_id: Id, caller: Owner) -> Webhook:
    return Webhook.of(store.one(open_database(), webhook_id, _limit(caller)))


@router.patch("/{webhook_id}", summary="Change a webhook", responses=_KNOWN)
def change_webhook(webhook_id: Id, change: WebhookChange, caller: Owner) -> Webhook:
    engine = open_database()
    values = change.model_dump(exclude_none=True, exclude={"enabled"})
    store.one(engine, webhook_id, _limit(caller))
    if change.url is not None:
        fetching.check(change.url, timeout=CHECK_SECONDS)
    if change.enabled is not None:
        values["disabled"] = None if change.enabled else "its owner disabled it"
    store.change(engine, webhook_id, _limit(caller), values)
    return Webhook.of(store.one(engine, webhook_id, _limit(caller)))


@router.delete("/{webhook_id}", status_code=204, summary="Delete a webhook", responses=_KNOWN)
def delete_webhook(webhook_id: Id, caller: Owner) -> None:
    """Its deliveries and their log go with it."""
    store.remove(open_database(), webhook_id, _limit(caller))


@router.post("/{webhook_id}/secret", summary="Replace the secret", responses=_KNOWN)
def rotate_secret(webhook_id: Id, caller: Owner) -> Secret:
    """For a day, events carry signatures of the new and of the old secret."""
    return Secret(secret=store.rotate(open_database(), webhook_id, _limit(caller)))


@router.post("/{webhook_id}/test", status_code=202, summary="Send a test", responses=_KNOWN)
def send_test(webhook_id: Id, caller: Owner) -> Queued:
    """An event `webhook.test`, whatever the webhook asked for."""
    engine = open_database()
    store.one(engine, webhook_id, _limit(caller))
    with engine.begin() as connection:
        return Queued(delivery=publish_to(connection, webhook_id, "webhook.test"))


@router.get("/{webhook_id}/deliveries", summary="The delivery log", responses=_KNOWN)
def list_deliveries(
    webhook_id: Id,
    caller: Owner,
    status: Annotated[
        Literal["pending", "delivered", "failed"] | None, Query(description="Only these.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Deliveries:
    engine = open_database()
    store.one(engine, webhook_id, _limit(caller))
    found = store.log(engine, webhook_id, status=status, after=cursor, limit=limit)
    more = found[-1][0].id if len(found) == limit else None
    return Deliveries(items=[Delivery.of(row, tries) for row, tries in found], next=more)


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/replay",
    status_code=202,
    summary="Send one event again",
    responses=_KNOWN,
)
def replay_delivery(webhook_id: Id, delivery_id: Id, caller: Owner) -> Queued:
    """The same message with the same id, whether it was delivered or not."""
    engine = open_database()
    store.one(engine, webhook_id, _limit(caller))
    return Queued(delivery=store.replay(engine, webhook_id, delivery_id))


@router.post(
    "/{webhook_id}/replay",
    status_code=202,
    summary="Send again what failed since some time",
    responses=_KNOWN,
)
def replay_failed(webhook_id: Id, since: ReplaySince, caller: Owner) -> Replayed:
    engine = open_database()
    store.one(engine, webhook_id, _limit(caller))
    start = since.since if since.since.tzinfo else since.since.replace(tzinfo=UTC)
    return Replayed(messages=store.replay_failed(engine, webhook_id, start.timestamp()))


def _limit(caller: Caller) -> str | None:
    """Whose webhooks a caller sees: its own, or everyone's."""
    return None if caller.sees_all else caller.id

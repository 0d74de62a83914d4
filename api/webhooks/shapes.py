"""What the webhook operations take and give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from assay.api.webhooks.events import EventType

LONGEST_URL = 2000
LONGEST_DESCRIPTION = 500


def _no_repeats(events: list[EventType]) -> list[EventType]:
    return list(dict.fromkeys(events))


Url = Annotated[
    str,
    Field(
        pattern=r"^https?://[^\x00-\x20]+$",
        max_length=LONGEST_URL,
        description="Where events are sent; on the public Internet, or allowed by the operator.",
        examples=["https://example.org/assay-events"],
    ),
]
Events = Annotated[list[EventType], Field(min_length=1), AfterValidator(_no_repeats)]
Description = Annotated[str, Field(max_length=LONGEST_DESCRIPTION, pattern=r"^[^\x00]*$")]


class NewWebhook(BaseModel):
    """A webhook to make."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    events: Events
    description: Description = ""


class WebhookChange(BaseModel):
    """What to change; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url | None = None
    events: Events | None = None
    description: Description | None = None
    enabled: bool | None = Field(
        default=None, description="False keeps the webhook and sends it nothing."
    )


class Webhook(BaseModel):
    """A webhook; its secret is shown once, when it is made or rotated."""

    id: str
    url: str
    events: list[EventType]
    description: str
    owner: str
    everything: bool = Field(
        description="Made by an administrator: it hears of every caller's resources."
    )
    enabled: bool
    disabled_because: str | None = None
    created: datetime

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Webhook:
        return cls(
            id=row.id,
            url=row.url,
            events=row.events,
            description=row.description,
            owner=row.owner,
            everything=row.everything,
            enabled=row.disabled is None,
            disabled_because=row.disabled,
            created=moment(row.created),
        )


class Secret(BaseModel):
    """A signing secret, shown this once."""

    secret: str = Field(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])


class WebhookWithSecret(Webhook, Secret):
    """A new webhook."""


class Webhooks(BaseModel):
    """Webhooks, oldest first."""

    items: list[Webhook]


class Attempt(BaseModel):
    """One try to deliver."""

    at: datetime
    seconds: float
    status: int | None = Field(description="HTTP status of the receiver, if it answered.")
    failure: str | None = Field(description="Why there is no answer.")


class Delivery(BaseModel):
    """One event on its way to one webhook."""

    id: str
    event: EventType
    subject: str = Field(description="Id of the resource that the event is about.")
    status: Literal["pending", "delivered", "failed"]
    created: datetime
    next_try: datetime | None
    attempts: list[Attempt]

    @classmethod
    def of(cls, row: sa.Row[Any], tries: list[sa.Row[Any]]) -> Delivery:
        return cls(
            id=row.id,
            event=row.event,
            subject=row.subject,
            status=row.status,
            created=moment(row.created),
            next_try=None if row.due is None else moment(row.due),
            attempts=[
                Attempt(at=moment(t.at), seconds=t.seconds, status=t.answer, failure=t.failure)
                for t in tries
            ],
        )


class Deliveries(BaseModel):
    """The delivery log of a webhook, newest first."""

    items: list[Delivery]
    next: str | None = Field(default=None, description="`cursor` of the next page.")


class ReplaySince(BaseModel):
    """Which failed deliveries to send again."""

    model_config = ConfigDict(extra="forbid")

    since: datetime = Field(examples=["2026-11-20T00:00:00Z"])


class Replayed(BaseModel):
    """What was queued again."""

    messages: int


class Queued(BaseModel):
    """A delivery that was queued."""

    delivery: str


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)

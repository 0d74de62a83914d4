"""What the service tells, and what of it an endpoint may ask for."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

EventType = Literal[
    "verification.completed",
    "verification.failed",
    "verification.deleted",
    "signature.created",
    "webhook.test",
]
EVENT_TYPES: tuple[EventType, ...] = (
    "verification.completed",
    "verification.failed",
    "verification.deleted",
    "signature.created",
    "webhook.test",
)
# After this event nothing that was said about its subject is kept.
FORGETTING: EventType = "verification.deleted"


class Event(BaseModel):
    """The body of a delivery. It is short: the resource itself is fetched with a key."""

    model_config = ConfigDict(frozen=True)

    type: EventType
    timestamp: str = Field(description="When it happened, RFC 3339.")
    data: dict[str, Any] = Field(
        description="`id` of the resource, and for a completed verification its `category`."
    )

"""Secrets of endpoints and the headers that they sign (Standard Webhooks 1.0.0).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime
from typing import TypedDict

PREFIX = "whsec_"
SECRET_BYTES = 32
"""The specification asks for 24 to 64."""
ROTATION_SECONDS = 24 * 3600.0
"""How long an old secret goes on signing beside the new one, so that receivers can change it."""


class Secret(TypedDict):
    """A signing secret and, once it was replaced, the time of its end."""

    secret: str
    until: float | None


def new_secret() -> Secret:
    """A fresh random secret."""
    text = PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    return {"secret": text, "until": None}


def rotated(held: list[Secret], now: float) -> list[Secret]:
    """A new secret in front; those in force go on for `ROTATION_SECONDS`."""
    kept = in_force(held, now)
    ending: list[Secret] = [
        {"secret": one["secret"], "until": one["until"] or now + ROTATION_SECONDS} for one in kept
    ]
    return [new_secret(), *ending]


def in_force(held: list[Secret], now: float) -> list[Secret]:
    """The secrets that sign now."""
    return [one for one in held if one["until"] is None or one["until"] > now]


def headers(message_id: str, body: str, held: list[Secret], now: float) -> dict[str, str]:
    """The three headers of a delivery; one signature for each secret in force.

    Args:
        now: seconds since the epoch; the time of this try, not of the event.
    """
    from standardwebhooks import Webhook

    moment = datetime.fromtimestamp(now, UTC)
    signatures = [
        Webhook(one["secret"]).sign(message_id, moment, body) for one in in_force(held, now)
    ]
    return {
        "Webhook-Id": message_id,
        "Webhook-Timestamp": str(int(now)),
        "Webhook-Signature": " ".join(signatures),
        "Content-Type": "application/json",
    }

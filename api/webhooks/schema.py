"""Tables of the webhooks, on the MetaData of the service."""

from __future__ import annotations

import sqlalchemy as sa

from assay.api.records.schema import metadata

endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("owner", sa.String(200), nullable=False, index=True),
    sa.Column("everything", sa.Boolean, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("events", sa.JSON, nullable=False),
    # [{"secret": "whsec_...", "until": seconds or null}], the one in force first.
    sa.Column("secrets", sa.JSON, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("disabled", sa.Text),  # the reason; null while deliveries are made
)
"""Where events are sent. Secrets are kept readable, because HMAC needs them to sign."""

messages = sa.Table(
    "webhook_messages",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("event", sa.String(60), nullable=False),
    sa.Column("subject", sa.String(200), nullable=False, index=True),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False, index=True),
)
"""What is told, once for all endpoints; the exact bytes that are signed and sent."""

deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("message", sa.ForeignKey(messages.c.id, ondelete="CASCADE"), nullable=False),
    sa.Column(
        "endpoint", sa.ForeignKey(endpoints.c.id, ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("status", sa.String(20), nullable=False),  # pending, delivered, failed
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("due", sa.Double, index=True),  # null when there is nothing more to do
    sa.Column("created", sa.Double, nullable=False),
    sa.Index("webhook_deliveries_of_message", "message"),
)
"""One message to one endpoint."""

attempts = sa.Table(
    "webhook_attempts",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column(
        "delivery", sa.ForeignKey(deliveries.c.id, ondelete="CASCADE"), nullable=False, index=True
    ),
    sa.Column("at", sa.Double, nullable=False),
    sa.Column("seconds", sa.Double, nullable=False),
    sa.Column("answer", sa.Integer),  # HTTP status
    sa.Column("failure", sa.Text),  # why there is no answer
)
"""The delivery log: every try, kept for a while."""

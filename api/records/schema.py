"""Tables of the service. Other parts of `api/` declare theirs on the same `metadata`.

Times are seconds since the epoch, UTC. Ids are random, so that an address tells nothing.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

verifications = sa.Table(
    "verifications",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(200), nullable=False),
    sa.Column("status", sa.String(8), nullable=False),  # queued, running, done, failed
    sa.Column("priority", sa.String(8), nullable=False),  # live, batch
    sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("finished", sa.Double),
    sa.Column("name", sa.Text),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("media", sa.String(64)),  # key in the media store, null once it was deleted
    sa.Column("category", sa.String(40)),  # of the verdict
    sa.Column("result", sa.Text),  # JSON of the Verification when done
    sa.Column("problem", sa.Text),  # JSON of the problem document when failed
    sa.Index("ix_verifications_caller_created", "caller", "created", "id"),
    sa.Index("ix_verifications_status_created", "status", "created"),
    sa.Index("ix_verifications_sha256", "sha256"),
)
"""Every accepted upload and, once there is one, its only result."""

events = sa.Table(
    "verification_events",
    metadata,
    sa.Column(
        "verification",
        sa.ForeignKey(verifications.c.id, ondelete="CASCADE"),
        primary_key=True,
    ),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String(20), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
    sa.Column("created", sa.Double, nullable=False),
)
"""What happened to a verification, numbered from 1; the ids of server-sent events."""

retention = sa.Table(
    "retention",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("until", sa.Double, nullable=False, index=True),
)
"""Every object of the media store, written down before the object is: nothing is forgotten."""

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.String(200), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("request", sa.String(64), nullable=False),  # SHA-256 of method, path and body
    sa.Column("created", sa.Double, nullable=False, index=True),
    sa.Column("status", sa.Integer),  # null while the first request is at work
    sa.Column("headers", sa.Text),  # JSON
    sa.Column("body", sa.LargeBinary),
    sa.Column("resource", sa.String(64), index=True),  # deleted with what it answers about
)
"""Answers kept for requests that are sent again with the same `Idempotency-Key`."""

workers = sa.Table(
    "workers",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("host", sa.String(255), nullable=False),
    sa.Column("pid", sa.BigInteger, nullable=False),
    sa.Column("seen", sa.Double, nullable=False),
)
"""Processes that run jobs, with their last sign of life."""

"""The table of direct uploads. Times are seconds since the epoch."""

from __future__ import annotations

import sqlalchemy as sa

from assay.api.records.schema import metadata, verifications

uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(200), nullable=False),  # empty once it is withdrawn
    sa.Column("name", sa.Text),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("kept_until", sa.Double, nullable=False, index=True),
    sa.Column(
        "verification",  # what was made of it, null before
        sa.ForeignKey(verifications.c.id, ondelete="SET NULL"),
        index=True,
    ),
    sa.Index("ix_uploads_caller_kept_until", "caller", "kept_until"),
)
"""Permissions to put an object, kept until nobody can use them any more."""

"""Audits and the files of their reports. Times are seconds since the epoch."""

from __future__ import annotations

import sqlalchemy as sa

from assay.api.records.schema import metadata

audits = sa.Table(
    "audits",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(200), nullable=False),
    sa.Column("status", sa.String(8), nullable=False),  # queued, running, done, failed
    sa.Column("attempts", sa.Integer, nullable=False),  # also the token of who may finish it
    sa.Column("lease", sa.Double, nullable=False),  # until when a running audit is not taken over
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("finished", sa.Double),
    sa.Column("title", sa.Text),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("media", sa.String(64)),  # key of the archive, null once it was deleted
    sa.Column("summary", sa.JSON),  # counts, when done
    sa.Column("problem", sa.JSON),  # the problem document, when failed
    sa.Index("ix_audits_caller_created", "caller", "created", "id"),
    sa.Index("ix_audits_status_created", "status", "created"),
)

audit_files = sa.Table(
    "audit_files",
    metadata,
    sa.Column("audit", sa.ForeignKey(audits.c.id, ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

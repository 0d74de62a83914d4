"""The receipts of signed files. Times are seconds since the epoch."""

from __future__ import annotations

import sqlalchemy as sa

from assay.api.records.schema import metadata

signatures = sa.Table(
    "signatures",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("caller", sa.String(200), nullable=False),
    sa.Column("created", sa.Double, nullable=False),
    sa.Column("name", sa.Text),
    sa.Column("media_type", sa.String(100), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("receipt", sa.Text, nullable=False),  # JSON of a `Receipt`
    sa.Index("ix_signatures_caller_created", "caller", "created", "id"),
)

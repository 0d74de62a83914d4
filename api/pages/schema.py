"""The table of the pages."""

from __future__ import annotations

import sqlalchemy as sa

from assay.api.records.schema import metadata

work_pictures = sa.Table(
    "work_pictures",
    metadata,
    sa.Column("work", sa.String(200), primary_key=True),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("png", sa.LargeBinary, nullable=False),
)
"""One small PNG of a work, made from its pixels, with the size of the picture in it."""

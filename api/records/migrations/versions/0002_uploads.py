"""Direct uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "uploads",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("caller", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("created", sa.Double(), nullable=False),
        sa.Column("kept_until", sa.Double(), nullable=False),
        sa.Column("verification", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["verification"],
            ["verifications.id"],
            name="fk_uploads_verification",
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_caller_kept_until", "uploads", ["caller", "kept_until"])
    op.create_index("ix_uploads_kept_until", "uploads", ["kept_until"])
    op.create_index("ix_uploads_verification", "uploads", ["verification"])


def downgrade() -> None:
    op.drop_index("ix_uploads_verification", table_name="uploads")
    op.drop_index("ix_uploads_kept_until", table_name="uploads")
    op.drop_index("ix_uploads_caller_kept_until", table_name="uploads")
    op.drop_table("uploads")

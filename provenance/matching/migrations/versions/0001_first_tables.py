"""The first tables: works, manifests, their fingerprints, and the index over them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "about",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "manifests",
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("manifest", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.BigInteger(), nullable=True),
        sa.Column("short_payload", sa.BigInteger(), nullable=True),
        sa.Column("sha256_before", sa.String(length=64), nullable=True),
        sa.Column("sha256_after", sa.String(length=64), nullable=True),
        sa.Column("digital_source_type", sa.String(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("label"),
    )
    op.create_index("ix_manifests_payload", "manifests", ["payload"])
    op.create_index("ix_manifests_sha256_after", "manifests", ["sha256_after"])
    op.create_index("ix_manifests_short_payload", "manifests", ["short_payload"])
    op.create_table(
        "segments",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "tombstones",
        sa.Column("print_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("print_id"),
    )
    op.create_table(
        "works",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("training_opt_out", sa.Boolean(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "foreign_hashes",
        sa.Column("work_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["work_id"], ["works.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("work_id", "kind"),
    )
    op.create_index("ix_foreign_hashes_value", "foreign_hashes", ["value"])
    op.create_table(
        "prints",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("work_id", sa.String(), nullable=True),
        sa.Column("manifest_label", sa.String(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("pdq", sa.LargeBinary(length=32), nullable=False),
        sa.Column("difference", sa.LargeBinary(length=32), nullable=True),
        sa.Column("quality", sa.Integer(), nullable=False),
        sa.Column("graphic", sa.Boolean(), nullable=False),
        sa.Column("colours", sa.LargeBinary(length=48), nullable=True),
        sa.Column("local_search", sa.Boolean(), nullable=False),
        sa.Column(
            "pdq_chunks",
            postgresql.ARRAY(sa.Integer()).with_variant(sa.LargeBinary(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "pdq_bits",
            postgresql.BIT(length=256).with_variant(sa.LargeBinary(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "difference_chunks",
            postgresql.ARRAY(sa.Integer()).with_variant(sa.LargeBinary(), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "difference_bits",
            postgresql.BIT(length=256).with_variant(sa.LargeBinary(), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["manifest_label"], ["manifests.label"], ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["work_id"], ["works.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_prints_manifest_label", "prints", ["manifest_label"])
    if op.get_context().dialect.name == "postgresql":
        for column in ("pdq_chunks", "difference_chunks"):
            op.create_index(f"ix_prints_{column}", "prints", [column], postgresql_using="gin")
    op.create_index("ix_prints_sha256", "prints", ["sha256"])
    op.create_index("ix_prints_work_id", "prints", ["work_id"])
    op.create_table(
        "features",
        sa.Column("print_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["print_id"], ["prints.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("print_id"),
    )


def downgrade() -> None:
    op.drop_table("features")
    op.drop_index("ix_prints_work_id", table_name="prints")
    op.drop_index("ix_prints_sha256", table_name="prints")
    if op.get_context().dialect.name == "postgresql":
        for column in ("pdq_chunks", "difference_chunks"):
            op.drop_index(f"ix_prints_{column}", table_name="prints")
    op.drop_index("ix_prints_manifest_label", table_name="prints")
    op.drop_table("prints")
    op.drop_index("ix_foreign_hashes_value", table_name="foreign_hashes")
    op.drop_table("foreign_hashes")
    op.drop_table("works")
    op.drop_table("tombstones")
    op.drop_table("segments")
    op.drop_index("ix_manifests_short_payload", table_name="manifests")
    op.drop_index("ix_manifests_sha256_after", table_name="manifests")
    op.drop_index("ix_manifests_payload", table_name="manifests")
    op.drop_table("manifests")
    op.drop_table("about")

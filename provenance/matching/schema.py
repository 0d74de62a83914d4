"""The tables of the registry, on SQLite and PostgreSQL. Nothing else defines storage."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)
from sqlalchemy.dialects.postgresql import ARRAY, BIT

metadata = MetaData()

# SQLite only numbers rows itself in a column of exactly this type.
_Serial = BigInteger().with_variant(Integer(), "sqlite")
_ChunkKeys = ARRAY(Integer).with_variant(LargeBinary(), "sqlite")
_Bits = BIT(256).with_variant(LargeBinary(), "sqlite")

about = Table(
    "about",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

works = Table(
    "works",
    metadata,
    Column("id", String, primary_key=True),
    Column("record", JSON, nullable=False),  # a `Work`, without its id
    Column("training_opt_out", Boolean, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)

manifests = Table(
    "manifests",
    metadata,
    Column("label", String, primary_key=True),
    Column("manifest", LargeBinary, nullable=False),
    Column("payload", BigInteger, nullable=True, index=True),
    Column("short_payload", BigInteger, nullable=True, index=True),
    Column("sha256_before", String(64), nullable=True),
    Column("sha256_after", String(64), nullable=True, index=True),
    Column("digital_source_type", String, nullable=True),
    Column("details", JSON, nullable=False),
    Column("created", DateTime(timezone=True), nullable=False),
)

# One row a picture, or a sampled frame of a video. Numbers are never used twice, so the
# index can follow the table by number alone.
prints = Table(
    "prints",
    metadata,
    Column("id", _Serial, primary_key=True, autoincrement=True),
    Column("work_id", ForeignKey("works.id", ondelete="CASCADE"), nullable=True, index=True),
    Column(
        "manifest_label",
        ForeignKey("manifests.label", ondelete="CASCADE"),
        nullable=True,
        index=True,
    ),
    Column("seconds", Float, nullable=True),  # into a video
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("sha256", String(64), nullable=True, index=True),  # of the registered file
    Column("pdq", LargeBinary(32), nullable=False),
    Column("difference", LargeBinary(32), nullable=True),  # None: imported by hash alone
    Column("quality", Integer, nullable=False),
    Column("graphic", Boolean, nullable=False),
    Column("colours", LargeBinary(48), nullable=True),
    Column("local_search", Boolean, nullable=False),
    # PostgreSQL only: what its index searches, and what the recheck counts bits of.
    Column("pdq_chunks", _ChunkKeys, nullable=True),
    Column("pdq_bits", _Bits, nullable=True),
    Column("difference_chunks", _ChunkKeys, nullable=True),
    Column("difference_bits", _Bits, nullable=True),
    sqlite_autoincrement=True,
)

features = Table(
    "features",
    metadata,
    Column("print_id", ForeignKey("prints.id", ondelete="CASCADE"), primary_key=True),
    Column("data", LargeBinary, nullable=False),  # `Features.pack`
)

# Hashes of algorithms that are not computed here, kept for the works they came with.
foreign_hashes = Table(
    "foreign_hashes",
    metadata,
    Column("work_id", ForeignKey("works.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String, primary_key=True),
    Column("value", String, nullable=False, index=True),  # lower-case hexadecimal
)

# Immutable index files that cover the prints low..high.
segments = Table(
    "segments",
    metadata,
    Column("name", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("low", BigInteger, nullable=False),
    Column("high", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
)

# Prints that were deleted while a segment still holds their hash, until `compact`.
tombstones = Table(
    "tombstones",
    metadata,
    Column("print_id", BigInteger, primary_key=True, autoincrement=False),
)

for _name in ("pdq_chunks", "difference_chunks"):
    Index(f"ix_prints_{_name}", prints.c[_name], postgresql_using="gin").ddl_if(
        dialect="postgresql"
    )

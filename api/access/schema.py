"""The tables of access: keys and the sessions of people who signed in with one.

Times are seconds since the epoch, as in all tables of the service.
"""

from __future__ import annotations

from sqlalchemy import JSON, Column, Double, ForeignKey, String, Table

from assay.api.records.schema import metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("scopes", JSON, nullable=False),  # a list of `Scope`
    Column("secret_hash", String(200), nullable=False),  # argon2id, encoded
    Column("previous_hash", String(200), nullable=True),  # valid until `previous_until`
    Column("previous_until", Double, nullable=True),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=True),
    Column("revoked", Double, nullable=True),
    Column("last_used", Double, nullable=True),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), primary_key=True),  # SHA-256 of the cookie
    Column("key_id", String(16), ForeignKey(api_keys.c.id, ondelete="CASCADE"), nullable=False),
    Column("created", Double, nullable=False),
    Column("expires", Double, nullable=False),
)

"""Databases on SQLite and PostgreSQL: opening, migrating, moving. Knows no table of any room."""

from assay.databases.opening import (
    DatabaseUnusable,
    empty_log,
    engine_for,
    locate,
    lock_writers,
    reach,
    writing,
)
from assay.databases.schemas import Schema

__all__ = [
    "DatabaseUnusable",
    "Schema",
    "empty_log",
    "engine_for",
    "locate",
    "lock_writers",
    "reach",
    "writing",
]

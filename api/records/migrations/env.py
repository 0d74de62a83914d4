"""Alembic's entry point; see `assay.databases.environment`."""

from assay.databases.environment import run_migrations

run_migrations()

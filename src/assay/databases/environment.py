"""What every room's `migrations/env.py` runs."""

from __future__ import annotations

from alembic import context

from assay.databases.schemas import Schema


def run_migrations() -> None:
    """Run the migrations that Alembic chose, on the connection it was given."""
    schema: Schema = context.config.attributes["schema"]
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=schema.metadata,
        version_table=schema.version_table,
        # SQLite, too, rolls DDL back; ALTER TABLE goes through a copy there.
        transactional_ddl=True,
        render_as_batch=True,
    )
    with context.begin_transaction():
        context.run_migrations()

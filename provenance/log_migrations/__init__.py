"""Migrations of the transparency log's table (Alembic)."""

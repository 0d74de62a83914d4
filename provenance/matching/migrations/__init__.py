"""Migrations of the registry's tables (Alembic)."""

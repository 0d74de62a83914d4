"""Moving a database to another engine: in order, resumable, and compared at the end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import sqlalchemy as sa

from assay.databases.schemas import Row, Schema
from assay.errors import AssayError

ROWS_AT_ONCE = 500
_MODULUS = 1 << 256

Progress = Callable[[str, int, int], None]
"""Called with the table, rows done, and rows in all."""


class MoveFailed(AssayError):
    """What arrived is not what was sent."""

    code = "move-failed"


@dataclass(frozen=True)
class Moved:
    """One table after a move: its rows, and the hash that both sides agree on."""

    table: str
    rows: int
    digest: str


def move(
    source: sa.Engine,
    target: sa.Engine,
    schema: Schema,
    progress: Progress = lambda table, done, total: None,
) -> list[Moved]:
    """Copy every table; a move that was stopped goes on where it stopped.

    Nothing may write to either side meanwhile. Rows are read in the order of their primary
    keys and written in batches, each a transaction, so that what has arrived is always the
    first part of the source.

    Raises:
        MoveFailed: the target holds other rows already, or what arrived differs.
    """
    moved = []
    for table in schema.metadata.sorted_tables:
        if table.name in schema.rebuilt:
            continue
        _copy(source, target, schema, table, progress)
        moved.append(_compared(source, target, schema, table))
        _continue_numbers(target, table)
    return moved


def _copy(
    source: sa.Engine, target: sa.Engine, schema: Schema, table: sa.Table, progress: Progress
) -> None:
    total, there = _count(source, table), _count(target, table)
    if there > total:
        raise MoveFailed(f"{table.name}: {there:,} rows in the target, {total:,} in the source")
    progress(table.name, there, total)
    rows = _rows(source, table, skip=there)
    while batch := list(islice(rows, ROWS_AT_ONCE)):
        derived = [schema.derive(table.name, row, target.dialect.name) for row in batch]
        with target.begin() as connection:
            connection.execute(table.insert(), derived)
        there += len(batch)
        progress(table.name, there, total)


def _compared(source: sa.Engine, target: sa.Engine, schema: Schema, table: sa.Table) -> Moved:
    ignored = schema.derived.get(table.name, frozenset())
    sent, arrived = (_digest(engine, table, ignored) for engine in (source, target))
    if sent != arrived:
        raise MoveFailed(
            f"{table.name}: {sent[0]:,} rows were sent, {arrived[0]:,} arrived, and they differ",
            advice="move into an empty database",
        )
    return Moved(table.name, *sent)


def _digest(engine: sa.Engine, table: sa.Table, ignored: frozenset[str]) -> tuple[int, str]:
    """Number of rows, and the sum of their SHA-256: engines sort text in different ways."""
    total = count = 0
    for row in _rows(engine, table):
        kept = {name: _plain(value) for name, value in row.items() if name not in ignored}
        text = json.dumps(kept, sort_keys=True).encode()
        total = (total + int.from_bytes(hashlib.sha256(text).digest(), "big")) % _MODULUS
        count += 1
    return count, f"{total:064x}"


def _rows(engine: sa.Engine, table: sa.Table, *, skip: int = 0) -> Iterator[Row]:
    query = sa.select(table).order_by(*table.primary_key.columns).offset(skip)
    aware = [c.name for c in table.columns if getattr(c.type, "timezone", False)]
    with engine.connect().execution_options(yield_per=ROWS_AT_ONCE) as connection:
        for found in connection.execute(query).mappings():
            row = dict(found)
            for name in aware:  # SQLite keeps UTC without saying so
                if isinstance(when := row[name], datetime):
                    row[name] = when.replace(tzinfo=when.tzinfo or UTC).astimezone(UTC)
            yield row


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping | list | str | int | float | None):
        return value
    return str(value)


def _count(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _continue_numbers(target: sa.Engine, table: sa.Table) -> None:
    """Let a sequence of PostgreSQL go on after the numbers that were moved."""
    column = table.autoincrement_column
    if target.dialect.name != "postgresql" or column is None:
        return
    with target.begin() as connection:
        sequence = connection.execute(
            sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
        ).scalar_one_or_none()
        if sequence:
            highest = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, highest, False)))

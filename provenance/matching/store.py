"""What the registry reads from and writes to its tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sqlalchemy as sa

from assay.provenance.matching.features import NO_FEATURES, Features
from assay.provenance.matching.fingerprints import Fingerprint
from assay.provenance.matching.hamming import as_words
from assay.provenance.matching.hash_index import Batch, Source
from assay.provenance.matching.postgres_index import index_columns
from assay.provenance.matching.schema import features, foreign_hashes, prints

CODE_ROWS = 20_000  # rows a batch when the index reads codes
FEATURE_ROWS = 500  # of 10.8 kB each
ID_CHUNK = 500  # ids a query; SQLite allows 999 parameters by default


_PRINT_COLUMNS = (
    "id",
    "work_id",
    "manifest_label",
    "seconds",
    "width",
    "height",
    "sha256",
    "pdq",
    "difference",
    "quality",
    "graphic",
    "colours",
)


@dataclass(frozen=True)
class Print:
    """One stored picture, without its local features."""

    id: int
    work_id: str | None
    manifest_label: str | None
    seconds: float | None
    width: int
    height: int
    sha256: str | None
    fingerprint: Fingerprint

    @property
    def size(self) -> tuple[int, int]:
        return self.width, self.height


@dataclass(frozen=True)
class NewPrint:
    """A picture about to be stored."""

    seconds: float | None
    size: tuple[int, int]
    sha256: str | None
    fingerprint: Fingerprint
    features: Features
    local_search: bool


def insert_prints(
    connection: sa.Connection,
    new: Iterable[NewPrint],
    *,
    work_id: str | None = None,
    manifest_label: str | None = None,
) -> None:
    """Store the pictures of one work or of one manifest."""
    for item in new:
        row: dict[str, Any] = {
            "work_id": work_id,
            "manifest_label": manifest_label,
            "seconds": item.seconds,
            "width": item.size[0],
            "height": item.size[1],
            "sha256": item.sha256,
            "pdq": item.fingerprint.pdq,
            "difference": item.fingerprint.difference,
            "quality": item.fingerprint.quality,
            "graphic": item.fingerprint.graphic,
            "colours": item.fingerprint.colours,
            "local_search": item.local_search and len(item.features) > 0,
        }
        row |= index_columns(row, connection.dialect.name)
        inserted = connection.execute(prints.insert().returning(prints.c.id), row).scalar_one()
        connection.execute(features.insert(), {"print_id": inserted, "data": item.features.pack()})


def hash_only(pdq: bytes) -> NewPrint:
    """What is stored of a picture that is known by its PDQ hash alone.

    Its quality is taken to be full: lists leave out hashes of featureless pictures.
    """
    fingerprint = Fingerprint(pdq, None, quality=100, graphic=False)
    return NewPrint(None, (1, 1), None, fingerprint, NO_FEATURES, local_search=False)


def insert_foreign_hashes(connection: sa.Connection, work_id: str, hashes: dict[str, str]) -> None:
    """Keep hashes of other algorithms with a work."""
    for kind, value in hashes.items():
        row = {"work_id": work_id, "kind": kind, "value": value}
        connection.execute(foreign_hashes.insert(), row)


def foreign_hashes_of(connection: sa.Connection, work_id: str) -> dict[str, str]:
    """Hashes of other algorithms that came with a work, by kind."""
    query = sa.select(foreign_hashes.c.kind, foreign_hashes.c.value).where(
        foreign_hashes.c.work_id == work_id
    )
    return {row.kind: row.value for row in connection.execute(query)}


def find_prints(connection: sa.Connection, where: sa.ColumnElement[bool]) -> Iterator[Print]:
    """Stored pictures by any condition."""
    columns = [prints.c[name] for name in _PRINT_COLUMNS]
    for row in connection.execute(sa.select(*columns).where(where)):
        yield Print(
            id=row.id,
            work_id=row.work_id,
            manifest_label=row.manifest_label,
            seconds=row.seconds,
            width=row.width,
            height=row.height,
            sha256=row.sha256,
            fingerprint=Fingerprint(
                bytes(row.pdq),
                None if row.difference is None else bytes(row.difference),
                row.quality,
                row.graphic,
                None if row.colours is None else bytes(row.colours),
            ),
        )


def prints_by_id(connection: sa.Connection, ids: Iterable[int]) -> dict[int, Print]:
    """Those of the ids that still exist."""
    wanted = [int(i) for i in ids]
    found = {}
    for start in range(0, len(wanted), ID_CHUNK):
        condition = prints.c.id.in_(wanted[start : start + ID_CHUNK])
        found.update({item.id: item for item in find_prints(connection, condition)})
    return found


def features_of(connection: sa.Connection, print_id: int) -> Features:
    """The local features of one stored picture."""
    query = sa.select(features.c.data).where(features.c.print_id == print_id)
    return Features.unpack(bytes(connection.execute(query).scalar_one()))


def code_source(engine: sa.Engine, column: str) -> Source:
    """The codes in a column of `prints`, for the index."""
    return partial(_codes, engine, column)


def feature_source(engine: sa.Engine) -> Source:
    """The descriptors of every picture that local search covers, for the index."""
    return partial(_descriptors, engine)


def _codes(engine: sa.Engine, column: str, above: int, up_to: int | None) -> Iterator[Batch]:
    query = sa.select(prints.c.id, prints.c[column]).where(prints.c[column].is_not(None))
    for rows in _in_batches(engine, query, prints.c.id, above, up_to, CODE_ROWS):
        ids = np.array([row[0] for row in rows], np.int64)
        yield Batch(ids, as_words([row[1] for row in rows]))


def _descriptors(engine: sa.Engine, above: int, up_to: int | None) -> Iterator[Batch]:
    query = (
        sa.select(features.c.print_id, features.c.data)
        .join(prints, prints.c.id == features.c.print_id)
        .where(prints.c.local_search)
    )
    for rows in _in_batches(engine, query, features.c.print_id, above, up_to, FEATURE_ROWS):
        found = [Features.unpack(row[1]) for row in rows]
        ids = np.repeat([row[0] for row in rows], [len(item) for item in found])
        yield Batch(ids.astype(np.int64), np.concatenate([item.words for item in found]))


def _in_batches(
    engine: sa.Engine,
    query: sa.Select[Any],
    number: sa.ColumnElement[int],
    above: int,
    up_to: int | None,
    size: int,
) -> Iterator[list[tuple[int, bytes]]]:
    """Pages of a query in the order of its number; each page is its own short read."""
    while True:
        page = query.where(number > above).order_by(number).limit(size)
        if up_to is not None:
            page = page.where(number <= up_to)
        with engine.connect() as connection:
            rows = [(int(row[0]), bytes(row[1])) for row in connection.execute(page)]
        if rows:
            yield rows
        if len(rows) < size:
            return
        above = rows[-1][0]

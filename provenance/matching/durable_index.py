"""The index of a registry that lives on disk: its segments outlast the process."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any
from uuid import uuid4

import numpy as np
import sqlalchemy as sa

from assay.databases import lock_writers
from assay.errors import OutputRefused
from assay.provenance.matching import segment_files
from assay.provenance.matching.hash_index import EMPTY, Batch, HashIndex, Segment, Source, join
from assay.provenance.matching.schema import segments, tombstones
from assay.provenance.matching.segment_files import SegmentDamaged, order_is_small

logger = logging.getLogger(__name__)


class DurableIndex(HashIndex):
    """A `HashIndex` whose segments are files beside the database.

    The table `segments` says which files are current; a file that is missing or damaged is
    made again from the table it indexes.

    Args:
        seal_after: codes held in memory before they become a file.
    """

    def __init__(
        self,
        source: Source,
        *,
        engine: sa.Engine,
        kind: str,
        folder: Path,
        registry: bytes,
        seal_after: int,
    ) -> None:
        super().__init__(source)
        self._engine = engine
        self._kind = kind
        self._folder = folder
        self._registry = registry
        self._seal_after = seal_after
        self._loaded = False

    def refresh(self, newest: int = 0) -> None:
        """Take in every row committed since the last refresh."""
        with self._lock:
            if not self._loaded or (self._due() and self._saved_names() != self._recorded()):
                self._load()
            super().refresh(newest)

    def seal_if_due(self) -> None:
        """Write what is in memory to a file, once there is enough of it."""
        with self._lock:
            if self._due():
                self._seal()

    def compact(self) -> None:
        """Write one file of exactly the rows that exist, and forget all others."""
        with self._lock:
            batch = EMPTY
            for part in self.source(0, None):
                batch = join(batch, part)
            high = int(batch.ids[-1]) if len(batch.ids) else 0
            self._replace(self._recorded(), Segment.over(batch, 1, high))
            self._load()

    def _load(self) -> None:
        self.segments, self.tail, self.high = [], EMPTY, 0
        for row in self._records():
            segment = self._open(row)
            self.segments.append(segment)
            self.high = segment.high
        self._loaded = True
        large = [s.name for s in self.segments if s.name and not order_is_small(s)]
        self._checking = Thread(target=self._check_orders, args=(large,), daemon=True)
        if large:
            self._checking.start()

    def _check_orders(self, names: list[str]) -> None:
        """Make those segments again whose order is damaged; searches go on meanwhile."""
        for name in names:
            try:
                segment_files.check_order(self._folder / name)
            except FileNotFoundError:
                continue  # replaced meanwhile
            except SegmentDamaged as damage:
                with self._lock:
                    self.segments = [
                        self._remade(name, s.low, s.high, damage) if s.name == name else s
                        for s in self.segments
                    ]

    def _open(self, row: sa.Row[Any]) -> Segment:
        """A recorded segment; made again from the table when its file is not sound."""
        try:
            return segment_files.load(
                self._folder / row.name, kind=self._kind, registry=self._registry
            )
        except SegmentDamaged as damage:
            return self._remade(row.name, row.low, row.high, damage)

    def _remade(self, name: str, low: int, high: int, damage: SegmentDamaged) -> Segment:
        logger.warning("index rebuilt from the registry: %s", damage)
        batch = EMPTY
        for part in self.source(low - 1, high):
            batch = join(batch, part)
        segment = Segment.over(batch, low, high)
        path = self._folder / name
        try:
            segment_files.write(path, segment, kind=self._kind, registry=self._registry)
        except OutputRefused as error:
            logger.warning("rebuilt index stays in memory: %s", error)
        return replace(segment, name=name)

    def _seal(self) -> None:
        """Turn everything in memory, and smaller files before it, into one new file."""
        swallowed = self._unsaved()
        batch = self.tail
        for segment in reversed(swallowed):
            batch = join(Batch(segment.ids, segment.codes), batch)
        saved = [segment for segment in self.segments if segment.name is not None]
        if self._saved_names() != self._recorded():
            self._load()  # another process was faster
            return
        while saved and len(saved[-1].ids) < 2 * len(batch.ids):
            last = saved.pop()
            swallowed.insert(0, last)
            batch = join(Batch(last.ids, last.codes), batch)
        low = saved[-1].high + 1 if saved else 1
        batch = self._without_deleted(batch)
        old = [segment.name for segment in swallowed if segment.name is not None]
        self._replace(old, Segment.over(batch, low, self.high))
        self._load()

    def _replace(self, old: Iterable[str], new: Segment) -> None:
        """Make `new` current instead of `old`: file first, then the record, then clean up."""
        old = list(old)
        name = f"{self._kind}-{new.low}-{new.high}-{uuid4().hex[:8]}.segment"
        segment_files.write(self._folder / name, new, kind=self._kind, registry=self._registry)
        with self._engine.begin() as connection:
            lock_writers(connection)
            connection.execute(segments.delete().where(segments.c.name.in_(old)))
            connection.execute(
                segments.insert(),
                {
                    "name": name,
                    "kind": self._kind,
                    "low": new.low,
                    "high": new.high,
                    "count": len(new.ids),
                },
            )
        for stale in old:
            (self._folder / stale).unlink(missing_ok=True)

    def _recorded(self) -> list[str]:
        return [row.name for row in self._records()]

    def _records(self) -> list[sa.Row[Any]]:
        query = (
            sa.select(segments.c.name, segments.c.low, segments.c.high)
            .where(segments.c.kind == self._kind)
            .order_by(segments.c.low)
        )
        with self._engine.connect() as connection:
            return list(connection.execute(query))

    def _due(self) -> bool:
        """Whether memory holds enough for a file."""
        held = sum(len(segment.ids) for segment in self._unsaved()) + len(self.tail.ids)
        return held >= self._seal_after

    def _saved_names(self) -> list[str]:
        return [segment.name for segment in self.segments if segment.name is not None]

    def _unsaved(self) -> list[Segment]:
        return [segment for segment in self.segments if segment.name is None]

    def _without_deleted(self, batch: Batch) -> Batch:
        query = sa.select(tombstones.c.print_id)
        with self._engine.connect() as connection:
            deleted = np.fromiter(connection.execute(query).scalars(), np.int64)
        keep = ~np.isin(batch.ids, deleted)
        return Batch(batch.ids[keep], batch.codes[keep])

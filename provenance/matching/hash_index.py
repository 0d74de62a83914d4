"""An index that follows a table: everything committed is found, nothing deleted is.

The SQL table is the truth. Here its codes lie in tiers: immutable segments (on disk, memory
mapped, or in memory) that are searched by multi-index hashing, and a short tail that is
scanned. Before a search the tail takes in what was committed since; what a search finds is
looked up in the table by the caller, so a deleted row is never returned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import RLock
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching import multi_index
from assay.provenance.matching.hamming import WORDS

TAIL_CODES = 2048  # scanned: about 0.1 ms for the probes of one query


class Batch(NamedTuple):
    """Codes of some rows, in row order; a row may have several codes."""

    ids: NDArray[np.int64]
    codes: NDArray[np.uint64]


class Hits(NamedTuple):
    """What a search found: equally long arrays."""

    query: NDArray[np.int64]
    id: NDArray[np.int64]
    distance: NDArray[np.int64]


class Index(Protocol):
    """What the matcher searches."""

    high: int

    def refresh(self, newest: int = 0) -> None: ...

    def search(self, queries: NDArray[np.uint64], radius: int, *, exact: bool = True) -> Hits: ...

    def seal_if_due(self) -> None: ...

    def compact(self) -> None: ...

    @property
    def size(self) -> int: ...


EMPTY = Batch(np.zeros(0, np.int64), np.zeros((0, WORDS), np.uint64))

# Gives the batches of all rows with numbers above the first and up to the second argument.
Source = Callable[[int, int | None], Iterator[Batch]]


@dataclass(frozen=True)
class Segment:
    """An immutable part of the index, over the rows low..high."""

    low: int
    high: int
    ids: NDArray[np.int64]
    codes: NDArray[np.uint64]
    offsets: NDArray[np.uint32]
    order: NDArray[np.uint32]
    name: str | None = None  # of its file

    @classmethod
    def over(cls, batch: Batch, low: int, high: int) -> Segment:
        offsets, order = multi_index.build(batch.codes)
        return cls(low, high, batch.ids, batch.codes, offsets, order)

    def search(self, queries: NDArray[np.uint64], radius: int, *, exact: bool) -> Hits:
        rows = multi_index.search(
            self.codes, self.offsets, self.order, queries, radius, exact=exact
        )
        return Hits(rows.query, self.ids[rows.row], rows.distance)


@dataclass
class HashIndex:
    """Segments and a tail over one kind of code."""

    source: Source
    segments: list[Segment] = field(default_factory=list)
    tail: Batch = EMPTY
    high: int = 0
    _lock: RLock = field(default_factory=RLock, init=False, repr=False)

    def refresh(self, newest: int = 0) -> None:
        """Take in every row committed since the last refresh.

        Args:
            newest: a row number that was committed before this call; rows up to it are not
                asked for again, even where the source has none.
        """
        with self._lock:
            for batch in self.source(self.high, None):
                self._append(batch)
            self.high = max(self.high, newest)

    def seal_if_due(self) -> None:
        """Nothing to do: an index in memory is made anew by each process."""

    def compact(self) -> None:
        """Nothing to do: deleted rows are never returned, and nothing is kept on disk."""

    def search(self, queries: NDArray[np.uint64], radius: int, *, exact: bool = True) -> Hits:
        """Rows within `radius` of the queries (uint64 Qx4); exact up to radius 31 if `exact`.

        A row with several codes may be found several times.
        """
        with self._lock:
            segments, tail = list(self.segments), self.tail
        found = [segment.search(queries, radius, exact=exact) for segment in segments]
        rows = multi_index.scan(tail.codes, queries, radius)
        found.append(Hits(rows.query, tail.ids[rows.row], rows.distance))
        return Hits(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    @property
    def size(self) -> int:
        """Number of codes."""
        return sum(len(segment.ids) for segment in self.segments) + len(self.tail.ids)

    def _append(self, batch: Batch) -> None:
        if not len(batch.ids):
            return
        self.tail = join(self.tail, batch)
        self.high = int(batch.ids[-1])
        if len(self.tail.ids) > TAIL_CODES:
            self._fold()

    def _fold(self) -> None:
        """Turn the tail into a segment that swallows smaller ones before it."""
        batch, low = self.tail, int(self.tail.ids[0])
        while (
            self.segments
            and self.segments[-1].name is None
            and len(self.segments[-1].ids) < 2 * len(batch.ids)
        ):
            last = self.segments.pop()
            batch, low = join(Batch(last.ids, last.codes), batch), last.low
        self.segments.append(Segment.over(batch, low, self.high))
        self.tail = EMPTY


def join(first: Batch, second: Batch) -> Batch:
    """Both batches, one after the other."""
    return Batch(
        np.concatenate([first.ids, second.ids]), np.concatenate([first.codes, second.codes])
    )

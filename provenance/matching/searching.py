"""Asking the registry about a picture or a video: frames searched, results gathered by owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import sqlalchemy as sa

from assay.provenance.matching.counting import LiveCount
from assay.provenance.matching.indexes import Indexes
from assay.provenance.matching.matcher import Decided, Matcher
from assay.provenance.matching.pictures import Source, pictures_of
from assay.provenance.matching.query import Query
from assay.provenance.matching.store import Print
from assay.provenance.matching.temporal import FEWEST_FRAMES, Hit, align_in_time


@dataclass(frozen=True)
class Owners:
    """What stored pictures may belong to: works, or manifests of signed files."""

    count: LiveCount
    of: Callable[[Print], str | None]


@dataclass
class _Found:
    """What the frames of a query found of one owner."""

    best: Decided
    hits: list[Hit] = field(default_factory=list)


@dataclass(frozen=True)
class Searcher:
    """Searches one registry."""

    engine: sa.Engine
    key: bytes
    indexes: Indexes
    matcher: Matcher

    def find(
        self, src: Source, kinds: list[Owners], *, disclose: bool = False
    ) -> list[dict[str, Decided]]:
        """For each kind of owner, those whose pictures the source may copy, best first."""
        newest = self.indexes.refresh()
        counts = [kind.count(newest) for kind in kinds]
        found: list[dict[str, _Found]] = [{} for _ in kinds]
        frames = 0
        for picture in pictures_of(src):
            frames += 1
            query = Query(picture, self.key)
            for kind, count, owners in zip(kinds, counts, found, strict=True):
                if count:
                    self._find_frame(query, kind, count, owners, disclose=disclose)
        return [_ranked(owners, frames) for owners in found]

    def _find_frame(
        self,
        query: Query,
        kind: Owners,
        count: int,
        owners: dict[str, _Found],
        *,
        disclose: bool,
    ) -> None:
        with self.engine.connect() as connection:
            decided = self.matcher.find(
                connection,
                query,
                works=count,
                wanted=lambda stored: kind.of(stored) is not None,
                disclose=disclose,
            )
        for item in decided:
            owner = owners.setdefault(str(kind.of(item.print)), _Found(item))
            if item.rank < owner.best.rank:
                owner.best = item
            if query.picture.seconds is not None and item.print.seconds is not None:
                owner.hits.append((query.picture.seconds, item.print.seconds))


def _ranked(owners: dict[str, _Found], frames: int) -> dict[str, Decided]:
    decided = {name: _in_time(found, frames) for name, found in owners.items()}
    return dict(sorted(decided.items(), key=lambda item: item[1].rank))


def _in_time(found: _Found, frames: int) -> Decided:
    """For videos: the ranges that run in step; frames that do not are only worth a look."""
    best = found.best
    if not found.hits:
        return best
    ranges = align_in_time(found.hits, min(FEWEST_FRAMES, frames))
    receipt = best.receipt.model_copy(update={"time_ranges": ranges})
    if ranges:
        return replace(best, receipt=receipt)
    reason = f"{receipt.reason} But too few frames run in step with the work."
    receipt = receipt.model_copy(update={"reason": reason})
    return replace(best, decision="review", receipt=receipt)

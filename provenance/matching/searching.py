"""Asking the registry about a picture or a video: frames searched, results gathered by owner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import sqlalchemy as sa

from assay.provenance.matching.indexes import Indexes
from assay.provenance.matching.matcher import Decided, Matcher
from assay.provenance.matching.pictures import Picture, Source, pictures_of
from assay.provenance.matching.query import Query
from assay.provenance.matching.schema import manifests, works
from assay.provenance.matching.store import Print
from assay.provenance.matching.temporal import FEWEST_FRAMES, Hit, align_in_time


@dataclass
class _Owner:
    """What the frames of a query found of one work or manifest."""

    best: Decided
    hits: list[Hit] = field(default_factory=list)


@dataclass(frozen=True)
class Searcher:
    """Searches the works or the manifests of one registry."""

    engine: sa.Engine
    key: bytes
    indexes: Indexes
    matcher: Matcher

    def find_works(self, src: Source, *, disclose: bool) -> dict[str, Decided]:
        """The works a picture or video may copy, by id, best first."""
        return self._find(src, works, lambda stored: stored.work_id, disclose)

    def find_manifests(self, src: Source) -> dict[str, Decided]:
        """The manifests whose signed file it may copy, by label, best first."""
        return self._find(src, manifests, lambda stored: stored.manifest_label, False)

    def _find(
        self,
        src: Source,
        table: sa.Table,
        owner_of: Callable[[Print], str | None],
        disclose: bool,
    ) -> dict[str, Decided]:
        owners: dict[str, _Owner] = {}
        frames = 0
        self.indexes.refresh()
        for picture in pictures_of(src):
            frames += 1
            for found in self._find_frame(picture, table, owner_of, disclose):
                name = str(owner_of(found.print))
                owner = owners.setdefault(name, _Owner(found))
                if found.rank < owner.best.rank:
                    owner.best = found
                if picture.seconds is not None and found.print.seconds is not None:
                    owner.hits.append((picture.seconds, found.print.seconds))
        decided = {name: _in_time(owner, frames) for name, owner in owners.items()}
        return dict(sorted(decided.items(), key=lambda item: item[1].rank))

    def _find_frame(
        self,
        picture: Picture,
        table: sa.Table,
        owner_of: Callable[[Print], str | None],
        disclose: bool,
    ) -> list[Decided]:
        with self.engine.connect() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()
            if not count:
                return []
            return self.matcher.find(
                connection,
                Query(picture, self.key),
                works=int(count),
                wanted=lambda stored: owner_of(stored) is not None,
                disclose=disclose,
            )


def _in_time(owner: _Owner, frames: int) -> Decided:
    """For videos: the ranges that run in step; frames that do not are only worth a look."""
    best = owner.best
    if not owner.hits:
        return best
    ranges = align_in_time(owner.hits, min(FEWEST_FRAMES, frames))
    receipt = best.receipt.model_copy(update={"time_ranges": ranges})
    if ranges:
        return Decided(best.print, best.decision, receipt)
    reason = f"{receipt.reason} But too few frames run in step with the work."
    return Decided(best.print, "review", receipt.model_copy(update={"reason": reason}))

"""Getting pictures ready for the registry: fingerprints, the poison check, index files."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from assay.provenance.matching.counting import LiveCount
from assay.provenance.matching.errors import PoisonousWork
from assay.provenance.matching.features import features_v0
from assay.provenance.matching.fingerprints import fingerprint_v0
from assay.provenance.matching.hamming import as_words
from assay.provenance.matching.indexes import Indexes
from assay.provenance.matching.normalising import normalise_v0
from assay.provenance.matching.pictures import Picture, Source, pictures_of
from assay.provenance.matching.poisoning import POISON_LIMIT, unrelated
from assay.provenance.matching.store import NewPrint, prints_by_id
from assay.provenance.matching.thresholds import ENFORCED_PDQ_DISTANCE

# Local search costs 29 kB of memory a picture (0.6 GB here), and each upload that copies nothing
# about 15 ms of CPU time for every thousand works; up to here works get it unasked.
LOCAL_SEARCH_UNASKED = 20_000
CHECKED_EVERY = 4096  # pictures added before it is looked whether an index file is due
MOST_NEIGHBOURS = 256  # looked at by the poison check


@dataclass
class Registrar:
    """Prepares what one registry is about to store."""

    engine: sa.Engine
    key: bytes
    indexes: Indexes
    works: LiveCount
    _unchecked: int = 0

    def prepare(self, src: Source, *, local_search: bool | None) -> list[NewPrint]:
        """Fingerprint a picture or the sampled frames of a video.

        Args:
            local_search: None: while the registry is small.

        Raises:
            InputRefused: the source cannot be examined.
        """
        if local_search is None:
            local_search = self.works(self.indexes.newest()) < LOCAL_SEARCH_UNASKED
        return [self._fingerprint(picture, local_search) for picture in pictures_of(src)]

    def refuse_poison(self, new: list[NewPrint]) -> None:
        """Refuse a work that is near several works that have nothing in common.

        Raises:
            PoisonousWork: it is.
        """
        self.indexes.pdq.refresh()
        for item in new:
            if item.fingerprint.featureless:
                continue
            hits = self.indexes.pdq.search(as_words(item.fingerprint.pdq), ENFORCED_PDQ_DISTANCE)
            with self.engine.connect() as connection:
                near = prints_by_id(connection, hits.id[:MOST_NEIGHBOURS].tolist()).values()
            seconds = (stored.fingerprint.difference for stored in near if stored.work_id)
            if (count := unrelated(code for code in seconds if code)) > POISON_LIMIT:
                raise PoisonousWork(
                    f"the picture's hash is near {count} works that have nothing in common",
                    advice="register it with more of its surroundings, or not at all",
                )

    def stored(self, pictures: int) -> None:
        """Note that so many were committed; now and then index files are written."""
        self._unchecked += pictures
        if self._unchecked >= CHECKED_EVERY:
            self._unchecked = 0
            self.indexes.seal_if_due()

    def _fingerprint(self, picture: Picture, local_search: bool) -> NewPrint:
        luma = normalise_v0(picture.pixels)
        return NewPrint(
            seconds=picture.seconds,
            size=picture.size,
            sha256=picture.sha256,
            fingerprint=fingerprint_v0(picture.pixels, self.key, luma=luma),
            features=features_v0(luma),
            local_search=local_search,
        )

"""From a query to decided matches: candidates by hash, geometry, then keypoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from assay.provenance.matching.candidates import (
    Candidate,
    nearest_probe,
    same_colours_as,
    verify,
)
from assay.provenance.matching.decisions import Findings, decide
from assay.provenance.matching.hamming import as_words
from assay.provenance.matching.hash_index import Index
from assay.provenance.matching.keypoint_search import find_by_keypoints
from assay.provenance.matching.query import Query
from assay.provenance.matching.receipts import (
    DECISION_ORDER,
    LOWEST_CLAIM,
    Decision,
    Geometry,
    Receipt,
    band_end,
    distance_band,
)
from assay.provenance.matching.schema import prints
from assay.provenance.matching.store import Print, find_prints, prints_by_id
from assay.provenance.matching.thresholds import (
    BITS,
    DIFFERENCE_DEVIATION,
    PDQ_DEVIATION,
    Budget,
    Thresholds,
    log10_false_match,
    thresholds,
)

MOST_CANDIDATES = 256  # stored pictures looked up for one query, nearest first
MOST_VERIFIED = 8  # of them checked geometrically


@dataclass(frozen=True)
class Decided:
    """A stored picture with its decision.

    Attributes:
        chance: log10 of the expected false matches, without the floor of the receipt: for order.
    """

    print: Print
    decision: Decision
    receipt: Receipt
    chance: float

    @property
    def rank(self) -> tuple[int, float]:
        return DECISION_ORDER.index(self.decision), self.chance


@dataclass
class Matcher:
    """Searches one registry.

    Attributes:
        graphic: whether a stored picture's owner declared it flat artwork or lettering.
        in_force: whether its owner's registration is valid today.
    """

    pdq: Index
    difference: Index
    local: Index
    budget: Budget
    graphic: Callable[[Print], bool]
    in_force: Callable[[Print], bool]

    def find(
        self,
        connection: sa.Connection,
        query: Query,
        *,
        works: int,
        wanted: Callable[[Print], bool],
        disclose: bool,
    ) -> list[Decided]:
        """Every stored picture that the query may copy, best first."""
        limits = thresholds(works, len(query.probes), self.budget)
        candidates = {
            number: candidate
            for number, candidate in self._by_hash(connection, query, limits).items()
            if wanted(candidate.print)
        }
        nearest = sorted(candidates.values(), key=lambda c: c.nearness)[:MOST_VERIFIED]
        for candidate in nearest:
            verify(connection, query, candidate)
        if not any(candidate.firm for candidate in nearest):
            for found in find_by_keypoints(connection, query, self.local, wanted):
                known = candidates.get(found.print.id)
                if known is None or found.inliers > known.inliers:
                    candidates[found.print.id] = found
        decided = [
            self._decide(query, candidate, limits, works, disclose)
            for candidate in candidates.values()
        ]
        return sorted((d for d in decided if d is not None), key=lambda d: d.rank)

    def judge(
        self, connection: sa.Connection, query: Query, stored: Print, *, works: int
    ) -> Decided | None:
        """The decision about one given stored picture."""
        candidate = nearest_probe(query, stored)
        verify(connection, query, candidate, every_view=True)
        limits = thresholds(works, len(query.probes), self.budget)
        return self._decide(query, candidate, limits, works, disclose=False)

    def _by_hash(
        self, connection: sa.Connection, query: Query, limits: Thresholds
    ) -> dict[int, Candidate]:
        numbers: dict[int, float] = {}
        if not query.fingerprint.featureless:
            for index, codes, radius, deviation in (
                (self.pdq, [p.pdq for p in query.probes], limits.candidate_pdq, PDQ_DEVIATION),
                (
                    self.difference,
                    [p.difference for p in query.probes],
                    limits.candidate_difference,
                    DIFFERENCE_DEVIATION,
                ),
            ):
                hits = index.search(as_words(codes), radius)
                for number, bits in zip(hits.id.tolist(), hits.distance.tolist(), strict=True):
                    score = (bits - BITS / 2) / deviation
                    numbers[number] = min(score, numbers.get(number, 0.0))
        nearest = sorted(numbers, key=numbers.__getitem__)[:MOST_CANDIDATES]
        stored = prints_by_id(connection, nearest)
        if query.picture.sha256:
            for item in find_prints(connection, prints.c.sha256 == query.picture.sha256):
                stored[item.id] = item
        return {number: nearest_probe(query, item) for number, item in stored.items()}

    def _decide(
        self, query: Query, found: Candidate, limits: Thresholds, works: int, disclose: bool
    ) -> Decided | None:
        stored = found.print
        same_file = bool(stored.sha256) and stored.sha256 == query.picture.sha256
        near = found.pdq <= limits.review_pdq or found.difference <= limits.review_difference
        if not (near or same_file or found.accepted):
            return None
        graphic = stored.fingerprint.graphic or self.graphic(stored)
        findings = Findings(
            pdq=found.pdq,
            difference=found.difference,
            alignment=found.alignment,
            graphic=graphic,
            hashable=not (
                graphic
                or query.fingerprint.graphic
                or query.fingerprint.featureless
                or stored.fingerprint.featureless
            ),
            same_colours=same_colours_as(query, found),
            same_file=same_file,
            in_force=self.in_force(stored),
        )
        decided = decide(findings, limits)
        if decided is None:
            return None
        decision, reason = decided
        chance = _chance(found, works, len(query.probes), exact=disclose)
        receipt = Receipt(
            reason=reason,
            probe=found.probe.name if near else None,
            distance_band=distance_band(found.pdq),
            second_hash_agrees=found.difference <= limits.match_difference,
            distance=found.pdq if disclose else None,
            geometry=_geometry(found),
            log10_false_match=max(LOWEST_CLAIM, chance),
            works_searched=works,
            threshold=limits.match_pdq,
            query_seconds=query.picture.seconds,
            work_seconds=stored.seconds,
        )
        return Decided(stored, decision, receipt, chance)


def _geometry(found: Candidate) -> Geometry | None:
    if found.alignment is None or found.view is None or not found.accepted:
        return None
    alignment = found.alignment
    left, top, right, bottom = alignment.query_box
    if found.view.mirrored:
        left, right = 1 - right, 1 - left
    return Geometry(
        inliers=alignment.inliers,
        matches=alignment.matches,
        coverage=round(alignment.coverage, 3),
        matched_box=alignment.box,
        query_box=(left, top, right, bottom),
        transform=alignment.transform,
        query_pass=found.view.how.name,
        mirrored=found.view.mirrored,
        inverted=found.view.inverted,
    )


def _chance(found: Candidate, works: int, probes: int, *, exact: bool) -> float:
    """log10 of the expected false matches: the stronger of the hashes' and geometry's proof.

    Unless it may be exact it is that of the distance band's far end, which tells no more.
    """
    bits = found.pdq if exact else band_end(found.pdq)
    by_hash = log10_false_match(bits, PDQ_DEVIATION, works * probes)
    if found.alignment is None or not found.accepted:
        return round(by_hash, 2)
    by_geometry = min(0.0, found.alignment.log10_chance + np.log10(max(works, 1)))
    return round(float(min(by_hash, by_geometry)), 2)

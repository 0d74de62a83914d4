"""From a query to decided matches: candidates by hash, then by local features, then geometry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from assay.provenance.matching.content_boxes import WHOLE
from assay.provenance.matching.decisions import Findings, decide
from assay.provenance.matching.fingerprints import Probe
from assay.provenance.matching.geometry import Alignment, align
from assay.provenance.matching.graphics import same_colours
from assay.provenance.matching.hamming import as_words, distance
from assay.provenance.matching.hash_index import Hits, Index
from assay.provenance.matching.pdq import ORIENTATIONS
from assay.provenance.matching.query import ENLARGED, NATIVE, REDUCED, Query, View
from assay.provenance.matching.receipts import (
    DECISION_ORDER,
    Decision,
    Geometry,
    Receipt,
    band_end,
    distance_band,
)
from assay.provenance.matching.schema import prints
from assay.provenance.matching.store import Print, features_of, find_prints, prints_by_id
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
# Local search: keypoints vote for the works that have one so near. Wider radii let texture
# outvote the work (measured at 32, 40, 48, 56 bits; 32 ranks the right work first most often).
VOTE_BITS = 32
FEWEST_VOTES = 3.0  # a keypoint that several works share gives each a fraction of its vote
MOST_VOTED = 4
DISTINCT_VOTES = 5.0  # so many that the work is looked for in the enlarged query as well

# In the order of how often each is needed.
_SEARCHED_VIEWS = (
    View(NATIVE),
    View(REDUCED),
    View(NATIVE, mirrored=True),
    View(NATIVE, inverted=True),
    View(ENLARGED),
)


@dataclass
class Candidate:
    """A stored picture that might be the one under question."""

    print: Print
    probe: Probe
    pdq: int
    difference: int
    alignment: Alignment | None = None
    view: View | None = None

    @property
    def accepted(self) -> bool:
        """Geometry confirms it."""
        return self.alignment is not None and self.alignment.accepted

    @property
    def inliers(self) -> int:
        """Places that agree."""
        return 0 if self.alignment is None else self.alignment.inliers

    @property
    def firm(self) -> bool:
        """Geometry says that it is the same picture."""
        return self.alignment is not None and self.alignment.firm

    @property
    def nearness(self) -> float:
        """Smaller is nearer: the better of the two hashes, in standard deviations."""
        return min(
            (self.pdq - BITS / 2) / PDQ_DEVIATION,
            (self.difference - BITS / 2) / DIFFERENCE_DEVIATION,
        )


@dataclass(frozen=True)
class Decided:
    """A stored picture with its decision."""

    print: Print
    decision: Decision
    receipt: Receipt

    @property
    def rank(self) -> tuple[int, float]:
        return DECISION_ORDER.index(self.decision), self.receipt.log10_false_match


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
            for found in self._by_local_features(connection, query):
                known = candidates.get(found.print.id)
                if wanted(found.print) and (known is None or found.inliers > known.inliers):
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

    def _by_local_features(self, connection: sa.Connection, query: Query) -> Iterator[Candidate]:
        """Works that share local features with the query and agree geometrically."""
        if not self.local.size:
            return
        for view in _SEARCHED_VIEWS:
            hits = self.local.search(query.features(view).words, VOTE_BITS, flips=False)
            votes = count_votes(hits)
            stored = prints_by_id(connection, votes)
            firm = False
            for number, item in stored.items():
                candidate = nearest_probe(query, item)
                _verify_view(connection, query, candidate, view)
                if (
                    not candidate.accepted
                    and votes[number] >= DISTINCT_VOTES
                    and view.how == NATIVE
                ):
                    enlarged = View(ENLARGED, view.mirrored, view.inverted)
                    _verify_view(connection, query, candidate, enlarged)
                if candidate.accepted:
                    firm = firm or candidate.firm
                    yield candidate
            if firm:
                return

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
            same_colours=_same_colours(query, found),
            same_file=same_file,
            in_force=self.in_force(stored),
        )
        decided = decide(findings, limits)
        if decided is None:
            return None
        decision, reason = decided
        receipt = Receipt(
            reason=reason,
            probe=found.probe.name,
            distance_band=distance_band(found.pdq),
            second_hash_agrees=found.difference <= limits.match_difference,
            distance=found.pdq if disclose else None,
            geometry=_geometry(found),
            log10_false_match=_chance(found, works, len(query.probes), exact=disclose),
            works_searched=works,
            threshold=limits.match_pdq,
        )
        return Decided(stored, decision, receipt)


def nearest_probe(query: Query, stored: Print) -> Candidate:
    """The probe of the query that is nearest to a stored picture."""
    return min(
        (
            Candidate(
                stored,
                probe,
                distance(probe.pdq, stored.fingerprint.pdq),
                _difference(probe, stored),
            )
            for probe in query.probes
        ),
        key=lambda candidate: candidate.nearness,
    )


def _difference(probe: Probe, stored: Print) -> int:
    """Bits of the keyed hash; all of them where the stored picture has none."""
    if stored.fingerprint.difference is None:
        return BITS
    return distance(probe.difference, stored.fingerprint.difference)


def _same_colours(query: Query, found: Candidate) -> bool:
    """Whether the whole query has the stored picture's colours in the same places."""
    here, there = query.fingerprint.colours, found.print.fingerprint.colours
    if here is None or there is None or found.probe.box != WHOLE or found.probe.inverted:
        return False
    mirrored, quarter_turns = ORIENTATIONS[found.probe.orientation]
    return same_colours(here, there, mirrored=mirrored, quarter_turns=quarter_turns)


def verify(
    connection: sa.Connection, query: Query, candidate: Candidate, *, every_view: bool = False
) -> None:
    """Align the query with a candidate as its probe suggests: the probe's box, then the whole."""
    probe = candidate.probe
    views = [View(NATIVE, probe.mirrored, probe.inverted, probe.box)]
    if probe.box != WHOLE:
        views.append(View(NATIVE, probe.mirrored, probe.inverted))
    if every_view:
        views += [view for view in _SEARCHED_VIEWS if view not in views]
    for view in views:
        _verify_view(connection, query, candidate, view)
        if candidate.firm:
            return


def _verify_view(connection: sa.Connection, query: Query, candidate: Candidate, view: View) -> None:
    stored = candidate.print
    found = align(
        query.features(view),
        features_of(connection, stored.id),
        query_size=query.picture.size,
        work_size=stored.size,
    )
    if found is not None and (
        candidate.alignment is None or found.inliers > candidate.alignment.inliers
    ):
        candidate.alignment, candidate.view = found, view


def count_votes(hits: Hits) -> dict[int, float]:
    """The stored pictures that most of the query's keypoints have a counterpart in.

    Each keypoint has one vote, shared among the pictures it was found in: texture that many
    works have counts little.
    """
    if not len(hits.id):
        return {}
    pairs = np.unique(np.stack([hits.query, hits.id]), axis=1)
    _, voter, shared = np.unique(pairs[0], return_inverse=True, return_counts=True)
    ids, place = np.unique(pairs[1], return_inverse=True)
    votes = np.bincount(place, 1.0 / shared[voter])
    order = np.argsort(-votes, kind="stable")[:MOST_VOTED]
    return {int(ids[i]): float(votes[i]) for i in order if votes[i] >= FEWEST_VOTES}


def _geometry(found: Candidate) -> Geometry | None:
    if found.alignment is None or found.view is None or not found.accepted:
        return None
    alignment = found.alignment
    return Geometry(
        inliers=alignment.inliers,
        matches=alignment.matches,
        coverage=round(alignment.coverage, 3),
        matched_box=alignment.box,
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

"""Stored pictures that a query might copy, and their geometric verification."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from assay.provenance.matching.content_boxes import WHOLE
from assay.provenance.matching.fingerprints import Probe
from assay.provenance.matching.geometry import Alignment, align
from assay.provenance.matching.graphics import same_colours
from assay.provenance.matching.hamming import distance
from assay.provenance.matching.pdq import ORIENTATIONS
from assay.provenance.matching.query import ENLARGED, NATIVE, REDUCED, Query, View
from assay.provenance.matching.store import Print, features_of
from assay.provenance.matching.thresholds import BITS, DIFFERENCE_DEVIATION, PDQ_DEVIATION

# In the order of how often each is needed.
SEARCHED_VIEWS = (
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


def same_colours_as(query: Query, found: Candidate) -> bool:
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
        views += [view for view in SEARCHED_VIEWS if view not in views]
    for view in views:
        verify_view(connection, query, candidate, view)
        if candidate.firm:
            return


def verify_view(connection: sa.Connection, query: Query, candidate: Candidate, view: View) -> None:
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

"""Finding works by local features, where whole-picture hashes are far: crops, insets, collages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import sqlalchemy as sa

from assay.provenance.matching.candidates import (
    SEARCHED_VIEWS,
    Candidate,
    nearest_probe,
    verify_view,
)
from assay.provenance.matching.hash_index import Hits, Index
from assay.provenance.matching.query import ENLARGED, NATIVE, Query, View
from assay.provenance.matching.store import Print, prints_by_id

# Keypoints vote for the works that have one so near. Wider radii let texture
# outvote the work (measured at 32, 40, 48, 56 bits; 32 ranks the right work first most often).
VOTE_BITS = 32
FEWEST_VOTES = 3.0  # a keypoint that several works share gives each a fraction of its vote
# Of one picture registered many times each copy gets a small fraction. So many whole keypoints
# are worth a look too; one in ten unrelated queries has as many, in the enlarged view.
MANY_KEYPOINTS = 12
MOST_VOTED = 4  # verified, of each view
MOST_NAMED = 32  # looked up; manifests take no places from works, nor works from manifests
DISTINCT_VOTES = 5.0  # so many that the work is looked for in the enlarged query as well


def find_by_keypoints(
    connection: sa.Connection,
    query: Query,
    index: Index,
    wanted: Callable[[Print], bool],
) -> Iterator[Candidate]:
    """Wanted pictures that share local features with the query and agree geometrically."""
    if not index.size:
        return
    for view in SEARCHED_VIEWS:
        hits = index.search(query.features(view).words, VOTE_BITS, exact=False)
        votes = count_votes(hits)
        stored = prints_by_id(connection, votes)
        named = [number for number in votes if number in stored and wanted(stored[number])]
        firm = False
        for number in named[:MOST_VOTED]:
            item = stored[number]
            candidate = nearest_probe(query, item)
            verify_view(connection, query, candidate, view)
            if not candidate.accepted and votes[number] >= DISTINCT_VOTES and view.how == NATIVE:
                enlarged = View(ENLARGED, view.mirrored, view.inverted)
                verify_view(connection, query, candidate, enlarged)
            if candidate.accepted:
                firm = firm or candidate.firm
                yield candidate
        if firm:
            return


def count_votes(hits: Hits) -> dict[int, float]:
    """The stored pictures that most of the query's keypoints have a counterpart in, best first.

    Each keypoint has one vote, shared among the pictures it was found in: texture that many
    works have counts little.
    """
    if not len(hits.id):
        return {}
    pictures, place = np.unique(hits.id, return_inverse=True)
    voter, place = np.divmod(np.unique(hits.query * len(pictures) + place), len(pictures))
    votes = np.bincount(place, 1.0 / np.bincount(voter)[voter])
    enough = (votes >= FEWEST_VOTES) | (np.bincount(place) >= MANY_KEYPOINTS)
    order = np.argsort(-votes, kind="stable")
    return {int(pictures[i]): float(votes[i]) for i in order[enough[order]][:MOST_NAMED]}

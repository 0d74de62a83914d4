"""Refusing works that would make everyone else's uploads match.

A picture can be made, or found, whose hash is near many others (a grey card, a gradient, a
collision computed on purpose). Registering it would turn unrelated uploads into matches.
"""

from __future__ import annotations

from collections.abc import Iterable

from assay.provenance.matching.hamming import distance
from assay.provenance.matching.thresholds import ENFORCED_PDQ_DISTANCE

POISON_LIMIT = 3  # unrelated works that one new work may be near


def unrelated(codes: Iterable[bytes], radius: int = ENFORCED_PDQ_DISTANCE) -> int:
    """How many of these PDQ hashes are mutually farther than `radius`: different pictures."""
    representatives: list[bytes] = []
    for code in codes:
        if all(distance(code, other) > radius for other in representatives):
            representatives.append(code)
    return len(representatives)

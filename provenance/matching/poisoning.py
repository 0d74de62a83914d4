"""Refusing works that would make everyone else's uploads match.

A picture can be made, or found, whose PDQ hash is near those of many others (a gradient, a
collision computed on purpose). Registering it would turn unrelated uploads into matches. Works
near in PDQ are never far from each other in PDQ; whether they have anything in common is told
by the keyed hash, which a forger does not see.
"""

from __future__ import annotations

from collections.abc import Iterable

from assay.provenance.matching.hamming import distance

POISON_LIMIT = 3  # unrelated works that one new work may be near
UNRELATED_BITS = 72  # of the keyed hash; versions of one picture stay well below


def unrelated(differences: Iterable[bytes]) -> int:
    """How many of these keyed hashes are mutually far: pictures with nothing in common."""
    representatives: list[bytes] = []
    for code in differences:
        if all(distance(code, other) > UNRELATED_BITS for other in representatives):
            representatives.append(code)
    return len(representatives)

"""How near is near enough: from a false-positive budget and the live size of the registry.

A constant threshold promises a false-match rate for one size of registry only. Here the
caller states how many false candidates an upload may meet on average; the registry's size
and the number of probes say what one comparison may contribute.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

# Distances between unrelated pictures are close to normal around half the bits, with a heavy
# tail. These are the standard deviations that give the distances within which 1e-5 of 1.18
# million unrelated pairs were, 22 probes a pair (docs/explanation/matching.md).
BITS = 256
PDQ_DEVIATION = 13.5
DIFFERENCE_DEVIATION = 18.0

# The second hash confirms the first. Edited copies that evade PDQ at 40 dB stayed within 57
# bits; no collision forged against PDQ came nearer than that.
AGREEING_DIFFERENCE = 57
ENFORCED_PDQ_DISTANCE = 31  # above it nothing is enforced without geometry (ThreatExchange's)
FARTHEST_CANDIDATE = 91  # bits; geometry decides, so a candidate only costs time
FEWEST_WORKS = 1000  # a small registry is treated as if it had this many


@dataclass(frozen=True)
class Budget:
    """Expected false findings an upload.

    Attributes:
        matches: decisions "match" on hashes alone.
        reviews: decisions "verify" or "review" on hashes alone.
        candidates: hash candidates handed to geometric verification.
    """

    matches: float = 1e-6
    reviews: float = 1e-3
    candidates: float = 2.0


@dataclass(frozen=True)
class Thresholds:
    """Largest distances, in bits, for this registry at this moment."""

    match_pdq: int
    match_difference: int
    review_pdq: int
    review_difference: int
    candidate_pdq: int
    candidate_difference: int


def thresholds(works: int, probes: int, budget: Budget) -> Thresholds:
    """The distances that keep the budget with so many works and probes."""
    comparisons = max(works, FEWEST_WORKS) * max(probes, 1)

    def largest(allowed: float, deviation: float) -> int:
        rate = min(allowed / comparisons, 0.5)
        return math.floor(BITS / 2 + deviation * NormalDist().inv_cdf(rate))

    return Thresholds(
        match_pdq=min(ENFORCED_PDQ_DISTANCE, largest(budget.matches, PDQ_DEVIATION)),
        match_difference=AGREEING_DIFFERENCE,
        review_pdq=largest(budget.reviews, PDQ_DEVIATION),
        review_difference=largest(budget.reviews, DIFFERENCE_DEVIATION),
        candidate_pdq=min(FARTHEST_CANDIDATE, largest(budget.candidates, PDQ_DEVIATION)),
        candidate_difference=min(
            FARTHEST_CANDIDATE, largest(budget.candidates, DIFFERENCE_DEVIATION)
        ),
    )


def log10_false_match(distance: int, deviation: float, comparisons: int) -> float:
    """log10 of the expected number of unrelated works this near, over all comparisons."""
    tail = math.log10(math.erfc((BITS / 2 - distance) / deviation / math.sqrt(2)) / 2)
    return min(0.0, tail + math.log10(max(comparisons, 1)))

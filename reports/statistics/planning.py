"""Sample sizes before anything is generated."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy import stats

from assay.reports.statistics.representation import RepresentationTest

_MOST_PICTURES = 1 << 20


def pictures_per_group(
    rate: float, other: float, *, alpha: float = 0.05, power: float = 0.8
) -> int:
    """Pictures in each of two groups to tell two rates apart (Cohen's arcsine effect size)."""
    effect = abs(2 * math.asin(math.sqrt(rate)) - 2 * math.asin(math.sqrt(other)))
    total = stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power)
    return math.ceil(2 * (total / effect) ** 2)


def pictures_per_prompt(
    reference: Sequence[float],
    effect: float,
    *,
    claims: int = 1,
    alpha: float = 0.05,
    power: float = 0.8,
    test: RepresentationTest | None = None,
) -> int:
    """Pictures of one prompt so that a total variation of `effect` is found.

    Uses the audit's own test at the level of its first Holm step, `alpha / claims`. The power
    is that of the least favourable shift of one value.
    """
    test = test or RepresentationTest(simulations=max(9_999, 40 * claims - 1))
    level = alpha / claims

    def enough(n: int) -> bool:
        return test.power(n, reference, effect, alpha=level) >= power

    high = 8
    while not enough(high) and high < _MOST_PICTURES:
        high *= 2
    low = high // 2
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high

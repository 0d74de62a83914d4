"""Comparing a rate between groups: differences, impact ratios, gaps of error rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from assay.reports.statistics.intervals import LEVEL

FOUR_FIFTHS = 0.8
"""The "four-fifths rule" of the US Uniform Guidelines on Employee Selection (1978)."""


@dataclass(frozen=True)
class ImpactRatio:
    """One group's rate divided by the highest group's.

    Attributes:
        ratio: None when the highest rate is zero.
        interval: simultaneous over all groups that are compared.
        flagged: the whole interval lies below four fifths.
    """

    ratio: float | None
    interval: tuple[float, float]
    flagged: bool


def impact_ratios(
    successes: Sequence[int], sizes: Sequence[int], *, level: float = LEVEL
) -> list[ImpactRatio]:
    """Each group against the group with the highest rate (New York City Local Law 144).

    A bare ratio under 0.8 is no finding: two identical groups of 30 show one in 38 % of
    samples at a rate of one half. A group is flagged only when its whole interval lies
    below 0.8; intervals are Koopman's, at a level divided by the number of comparisons,
    because the denominator is chosen by the data.
    """
    rates = [s / n if n else 0.0 for s, n in zip(successes, sizes, strict=True)]
    best = max(range(len(rates)), key=lambda i: (rates[i], sizes[i]))
    each = 1 - (1 - level) / max(1, len(rates) - 1)
    results = []
    for i, rate in enumerate(rates):
        if i == best or not rates[best]:
            results.append(ImpactRatio(1.0 if rates[best] else None, (1.0, 1.0), False))
            continue
        low, high = ratio_interval(successes[i], sizes[i], successes[best], sizes[best], level=each)
        results.append(ImpactRatio(rate / rates[best], (low, high), high < FOUR_FIFTHS))
    return results


def ratio_interval(a: int, n: int, b: int, m: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Score interval for the ratio (a/n) / (b/m) of two proportions (Koopman 1984).

    Returns:
        The upper end is infinite when b is 0.
    """
    critical = float(stats.chi2.ppf(level, 1))
    if a == 0 and b == 0:
        return 0.0, math.inf

    def excess(log_ratio: float) -> float:
        return _score(math.exp(log_ratio), a, n, b, m) - critical

    centre = math.log(max(a, 0.5) / n / (max(b, 0.5) / m))
    low = 0.0 if a == 0 else math.exp(_crossing(excess, centre, -1))
    high = math.inf if b == 0 else math.exp(_crossing(excess, centre, +1))
    return low, high


def difference_interval(
    a: int, n: int, b: int, m: int, *, level: float = LEVEL
) -> tuple[float, float]:
    """Interval for a/n - b/m from two Wilson intervals (Newcombe 1998, method 10)."""
    from assay.reports.statistics.intervals import wilson

    p, q = a / n, b / m
    (p_low, p_high), (q_low, q_high) = wilson(a, n, level=level), wilson(b, m, level=level)
    low = p - q - math.hypot(p - p_low, q_high - q)
    high = p - q + math.hypot(p_high - p, q - q_low)
    return max(-1.0, low), min(1.0, high)


def homogeneity_p(successes: Sequence[int], sizes: Sequence[int]) -> float:
    """p-value of "all groups have one rate".

    Fisher's exact test for two groups; for more, Pearson's chi-square, which is accurate
    once expected counts reach five, and which callers correct together with their claims.
    """
    failures = [n - s for s, n in zip(successes, sizes, strict=True)]
    if not sum(successes) or not sum(failures):
        return 1.0
    table = np.array([list(successes), failures])
    if len(sizes) == 2:
        return float(stats.fisher_exact(table)[1])
    return float(stats.chi2_contingency(table, correction=False)[1])


def _score(ratio: float, a: int, n: int, b: int, m: int) -> float:
    """Koopman's statistic: Pearson chi-square at the restricted maximum of the likelihood."""
    total = n + m
    coefficient = ratio * (n + b) + a + m
    root = math.sqrt(max(coefficient**2 - 4 * ratio * total * (a + b), 0))
    p = (coefficient - root) / (2 * total)
    q = p / ratio
    statistic = 0.0
    for count, size, rate in ((a, n, p), (b, m, q)):
        if 0 < rate < 1:
            statistic += (count - size * rate) ** 2 / (size * rate * (1 - rate))
        elif abs(count - size * rate) > 1e-9:
            return math.inf
    return statistic


def _crossing(excess: Callable[[float], float], centre: float, direction: int) -> float:
    """Where the statistic reaches its critical value on one side of the estimate."""
    step = 0.25
    inside, outside = centre, centre + direction * step
    while excess(outside) < 0:
        inside, step = outside, step * 2
        outside = centre + direction * step
        if step > 64:
            return outside
    if excess(inside) >= 0:
        return inside
    return float(optimize.brentq(excess, min(inside, outside), max(inside, outside), xtol=1e-9))

"""Confidence intervals for proportions and their comparisons."""

from __future__ import annotations

import math

from scipy import stats

LEVEL = 0.95


def wilson(
    successes: float, n: float, *, level: float = LEVEL, degrees_of_freedom: float | None = None
) -> tuple[float, float]:
    """Wilson score interval for a proportion (Wilson 1927).

    Args:
        successes, n: may be fractional: an effective sample size gives the interval of a
            clustered sample (Korn and Graubard 1998, with the score interval in place of
            the exact one).
        degrees_of_freedom: number of clusters minus one; widens the interval by Student's t.
    """
    if n <= 0:
        return 0.0, 1.0
    z = _quantile(level, degrees_of_freedom)
    p = successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(max(p * (1 - p), 0) / n + z * z / (4 * n * n))
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


def clopper_pearson(successes: int, n: int, *, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval for a proportion (Clopper and Pearson 1934); never below its level."""
    if n <= 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = float(stats.beta.ppf(tail, successes, n - successes + 1)) if successes else 0.0
    high = float(stats.beta.ppf(1 - tail, successes + 1, n - successes)) if successes < n else 1.0
    return low, high


def _quantile(level: float, degrees_of_freedom: float | None) -> float:
    tail = 0.5 + level / 2
    if degrees_of_freedom is None:
        return float(stats.norm.ppf(tail))
    return float(stats.t.ppf(tail, max(degrees_of_freedom, 1)))

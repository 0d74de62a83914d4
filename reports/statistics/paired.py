"""Paired comparisons: the same seed with one word of the prompt changed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from assay.reports.statistics.distance import total_variation
from assay.reports.statistics.intervals import LEVEL

_BATCH = 500  # draws held in memory at a time


@dataclass(frozen=True)
class PairedDifference:
    """Change of a rate within pairs.

    Attributes:
        difference: rate of the second minus rate of the first.
        interval: 95 % (Bonett and Price 2012).
        p_value: exact McNemar test.
    """

    difference: float
    interval: tuple[float, float]
    p_value: float


def paired_difference(
    gained: int, lost: int, pairs: int, *, level: float = LEVEL
) -> PairedDifference:
    """Compare two answers of the same pairs.

    Args:
        gained: pairs without the value first and with it second.
        lost: the other way round.
        pairs: all pairs, concordant ones included.
    """
    z = float(stats.norm.ppf(0.5 + level / 2))
    up, down = (gained + 1) / (pairs + 2), (lost + 1) / (pairs + 2)
    half = z * math.sqrt((up + down - (up - down) ** 2) / (pairs + 2))
    changed = gained + lost
    p = float(stats.binomtest(gained, changed, 0.5).pvalue) if changed else 1.0
    centre = up - down
    return PairedDifference(
        difference=(gained - lost) / pairs,
        interval=(max(-1.0, centre - half), min(1.0, centre + half)),
        p_value=p,
    )


@dataclass(frozen=True)
class DistanceChange:
    """Total variation from a reference before and after, over the same pairs.

    Attributes:
        interval: 95 % of the change, bootstrap over pairs.
        p_value: before and after swapped within pairs at random.
    """

    before: float
    after: float
    change: float
    interval: tuple[float, float]
    p_value: float


def distance_change(
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    reference: NDArray[np.float64],
    *,
    simulations: int = 9_999,
    seed: int = 0,
) -> DistanceChange:
    """Whether the distance from a reference changed.

    Args:
        before, after: one-hot answers (pairs, K) in one order.
        reference: (K,) shares.
    """
    n = len(before)
    one = total_variation(before.mean(axis=0), reference)
    two = total_variation(after.mean(axis=0), reference)
    rng = np.random.default_rng([seed, 5, n])
    reached, drawn = 0, []
    for start in range(0, simulations, _BATCH):
        draws = min(_BATCH, simulations - start)
        swap = rng.random((draws, n)) < 0.5
        moved = swap @ (after - before)
        first = (before.sum(axis=0) + moved) / n
        second = (after.sum(axis=0) - moved) / n
        change = _distances(second, reference) - _distances(first, reference)
        reached += int((np.abs(change) >= abs(two - one) - 1e-9).sum())
        times = rng.multinomial(n, np.full(n, 1 / n), size=draws)
        resampled = _distances(times @ after / n, reference)
        drawn.append(resampled - _distances(times @ before / n, reference))
    low, high = np.quantile(np.concatenate(drawn), [0.025, 0.975])
    return DistanceChange(
        before=one,
        after=two,
        change=two - one,
        interval=(float(low), float(high)),
        p_value=(1 + reached) / (simulations + 1),
    )


def _distances(shares: NDArray[np.float64], reference: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * np.abs(shares - reference).sum(axis=1))

"""Monte-Carlo test of observed counts against a reference distribution.

The statistic is the headline itself, total variation, so that the score, the null floor
printed beside it, its critical value, its interval and its power all speak of one quantity.
It stays defined where the reference gives a value no share.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from assay.reports.statistics.distance import total_variation
from assay.reports.statistics.intervals import wilson

_TIE = 1e-9
_INTERVAL_DRAWS = 2_000
_POWER_DRAWS = 2_000
_BISECTIONS = 11  # resolves a detectable effect to 1/2048


class RepresentationTest:
    """Simulates the multinomial; results depend on the seed and the arguments only.

    Args:
        simulations: draws of the null distribution; the smallest p-value is 1/(draws + 1).
        seed: any non-negative integer.
    """

    def __init__(self, *, simulations: int = 9_999, seed: int = 0) -> None:
        self.simulations = simulations
        self.seed = seed
        self._nulls: dict[tuple[int, bytes], NDArray[np.float64]] = {}
        self._detectable: dict[tuple[int, bytes, float, float], float] = {}

    def null(self, n: int, reference: Sequence[float]) -> NDArray[np.float64]:
        """Sorted total variations of samples of `n` from a generator that equals the reference."""
        q = np.asarray(reference, dtype=np.float64)
        key = (n, q.tobytes())
        if key not in self._nulls:
            drawn = self._draw(n, q, self.simulations, stream=1)
            self._nulls[key] = np.sort(drawn)
        return self._nulls[key]

    def floor(self, n: int, reference: Sequence[float]) -> tuple[float, float]:
        """Mean and 95th percentile of `null`: what a perfect generator scores at this n."""
        null = self.null(n, reference)
        return float(null.mean()), float(np.quantile(null, 0.95))

    def p_value(self, distance: float, n: int, reference: Sequence[float]) -> float:
        """Chance of a total variation at least this large under the reference."""
        null = self.null(n, reference)
        reached = null.size - int(np.searchsorted(null, distance - _TIE))
        return (1 + reached) / (null.size + 1)

    def interval(
        self, observed: Sequence[float], n: int, reference: Sequence[float], *, level: float = 0.95
    ) -> tuple[float, float]:
        """Interval for the total variation, by inverting the test along the observed direction.

        Candidate distributions lie on the ray from the reference through the observed
        shares; a candidate stays in the interval unless the observed distance falls into
        one of its tails. Unlike a percentile bootstrap it accounts for the upward bias
        of a distance near zero. With more than two values the observed direction has more
        sign changes than the true one, and too much bias is taken off; so the upper end is at
        least that of the Wilson interval for the values above their reference. With many
        values coverage is then somewhat over the level.
        """
        p, q = np.asarray(observed, dtype=np.float64), np.asarray(reference, dtype=np.float64)
        distance = total_variation(p, q)
        if distance < _TIE:
            direction = np.zeros_like(q)
            direction[int(q.argmin())], direction[int(q.argmax())] = 1.0, -1.0
        else:
            direction = (p - q) / distance
        tail = (1 - level) / 2

        def tails(step: float) -> tuple[float, float]:
            candidate = _on_simplex(q + step * direction)
            drawn = self._draw(n, candidate, _INTERVAL_DRAWS, stream=2, reference=q)
            ties = float((np.abs(drawn - distance) <= _TIE).mean()) / 2
            above = float((drawn > distance + _TIE).mean()) + ties
            return above, 1 - above

        low = 0.0 if tails(0.0)[0] > tail else _bisect(lambda t: tails(t)[0] > tail, 0.0, distance)
        high = _bisect(lambda t: tails(t)[1] <= tail, distance, 1.0)
        ends = [total_variation(_on_simplex(q + t * direction), q) for t in (low, high)]
        excess = p > q
        upper = wilson(float(p[excess].sum()) * n, n, level=level)[1] - float(q[excess].sum())
        return ends[0], min(1.0, max(ends[1], upper))

    def power(
        self, n: int, reference: Sequence[float], distance: float, *, alpha: float = 0.05
    ) -> float:
        """Chance of rejecting when the true total variation is `distance`.

        The least favourable of the shifts of one value against all others, in proportion.
        """
        q = np.asarray(reference, dtype=np.float64)
        critical = self._critical(n, q, alpha)
        powers = [
            float((self._draw(n, p, _POWER_DRAWS, stream=3, reference=q) >= critical - _TIE).mean())
            for p in _shifts(q, distance)
        ]
        return min(powers, default=1.0)

    def minimum_detectable(
        self, n: int, reference: Sequence[float], *, alpha: float = 0.05, power: float = 0.8
    ) -> float:
        """Smallest total variation that is found with the wanted power; 1 when none is."""
        q = np.asarray(reference, dtype=np.float64)
        key = (n, q.tobytes(), alpha, power)
        if key not in self._detectable:
            low, high = 0.0, 1.0
            for _ in range(_BISECTIONS):
                middle = (low + high) / 2
                if self.power(n, reference, middle, alpha=alpha) >= power:
                    high = middle
                else:
                    low = middle
            self._detectable[key] = high
        return self._detectable[key]

    def _critical(self, n: int, q: NDArray[np.float64], alpha: float) -> float:
        """Smallest distance whose p-value is at most alpha."""
        null = self.null(n, list(q))
        allowed = int(np.floor(alpha * (null.size + 1))) - 1
        if allowed < 0:
            return np.inf
        rejected = np.unique(null[null.size - allowed :]) if allowed else np.array([])
        for value in rejected:
            if null.size - int(np.searchsorted(null, value - _TIE)) <= allowed:
                return float(value)
        return float(null[-1] + 2 * _TIE)

    def _draw(
        self,
        n: int,
        p: NDArray[np.float64],
        draws: int,
        *,
        stream: int,
        reference: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float64]:
        rng = np.random.default_rng([self.seed, stream, n])
        counts = rng.multinomial(n, p, size=draws)
        against = p if reference is None else reference
        distances: NDArray[np.float64] = 0.5 * np.abs(counts / n - against).sum(axis=1)
        return distances


def _bisect(reached: Callable[[float], bool], low: float, high: float) -> float:
    """Where a monotone condition first holds between `low` and `high`."""
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        if reached(middle):
            high = middle
        else:
            low = middle
    return (low + high) / 2


def _on_simplex(point: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(point, 0, None)
    normalised: NDArray[np.float64] = clipped / clipped.sum()
    return normalised


def _shifts(q: NDArray[np.float64], distance: float) -> list[NDArray[np.float64]]:
    """Distributions at exactly this distance that move one value against the others."""
    moved: list[NDArray[np.float64]] = []
    for k, share in enumerate(q):
        rest = 1 - share
        if distance <= rest and rest > 0:
            up = q * (1 - distance / rest)
            up[k] = share + distance
            moved.append(_on_simplex(up))
        if distance <= share and rest > 0:
            down = q * (1 + distance / rest)
            down[k] = share - distance
            moved.append(_on_simplex(down))
    return moved

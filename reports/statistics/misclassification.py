"""Correcting shares for the errors of an annotator, measured on a labelled part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_WORST_CONDITION = 20.0  # beyond it the matrix is near singular and noise is magnified


@dataclass(frozen=True)
class Corrected:
    """Shares (K,) after correction, with 95 % intervals (K, 2)."""

    shares: NDArray[np.float64]
    intervals: NDArray[np.float64]


def correct_shares(
    counts: NDArray[np.float64],
    confusion: NDArray[np.float64],
    *,
    draws: int = 2_000,
    seed: int = 0,
) -> Corrected | None:
    """Rogan-Gladen correction for any number of values (Rogan and Gladen 1978).

    Observed shares are the true ones multiplied by the annotator's error matrix, so the
    system is solved; the interval is a parametric bootstrap of both the observed counts and
    the error matrix, because both are samples.

    Args:
        counts: (K,) values the annotator gave.
        confusion: (K, K) counts in the labelled part; row the true value, column the answer.

    Returns:
        None when a true value was never labelled, or the errors are too large to undo.
    """
    if counts.sum() == 0 or (confusion.sum(axis=1) == 0).any():
        return None
    matrix = confusion / confusion.sum(axis=1, keepdims=True)
    if np.linalg.cond(matrix) > _WORST_CONDITION:
        return None
    estimate = _solve(counts / counts.sum(), matrix)
    rng = np.random.default_rng(seed)
    n = int(counts.sum())
    observed = rng.multinomial(n, counts / n, size=draws) / n
    rows = [
        rng.multinomial(int(row.sum()), row / row.sum(), size=draws) / row.sum()
        for row in confusion
    ]
    matrices = np.stack(rows, axis=1)
    usable = np.linalg.cond(matrices) < _WORST_CONDITION * 5
    drawn = np.array(
        [_solve(o, m) for o, m in zip(observed[usable], matrices[usable], strict=True)]
    )
    intervals = np.quantile(drawn, [0.025, 0.975], axis=0).T
    return Corrected(estimate, intervals)


def _solve(observed: NDArray[np.float64], matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    solved = np.clip(np.linalg.solve(matrix.T, observed), 0, 1)
    result: NDArray[np.float64] = solved / solved.sum()
    return result

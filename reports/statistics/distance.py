"""How far an observed distribution lies from a reference distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def shares(counts: ArrayLike) -> NDArray[np.float64]:
    """Counts (K,) as shares that sum to 1."""
    values = np.asarray(counts, dtype=np.float64)
    normalised: NDArray[np.float64] = values / values.sum()
    return normalised


def total_variation(observed: ArrayLike, reference: ArrayLike) -> float:
    """Half the L1 distance, 0..1: the share of pictures that would have to change."""
    p, q = np.asarray(observed, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    return float(0.5 * np.abs(p - q).sum())


def jensen_shannon(observed: ArrayLike, reference: ArrayLike) -> float:
    """Jensen-Shannon divergence in bits, 0..1; finite where the reference has a zero share."""
    p, q = np.asarray(observed, dtype=np.float64), np.asarray(reference, dtype=np.float64)
    middle = (p + q) / 2
    return float(0.5 * _relative_entropy(p, middle) + 0.5 * _relative_entropy(q, middle))


def normalised_entropy(observed: ArrayLike) -> float:
    """Shannon entropy divided by that of the uniform distribution, 0..1 (1 = evenly spread)."""
    p = np.asarray(observed, dtype=np.float64)
    if p.size < 2:
        return 0.0
    positive = p[p > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(p.size)) + 0.0


def mean_absolute_deviation(observed: ArrayLike) -> float:
    """Mean absolute deviation from the uniform distribution, as HEIM and DALL-Eval report it.

    Not comparable between attributes with different numbers of values; for comparison with
    published scores only.
    """
    p = np.asarray(observed, dtype=np.float64)
    return float(np.abs(p - 1 / p.size).mean())


def total_variation_bounds(
    counts: ArrayLike, unanswered: int, reference: ArrayLike
) -> tuple[float, float]:
    """Smallest and largest total variation that unanswered pictures could lead to.

    The unanswered are assigned to the values in the most and the least favourable way
    (worst-case bounds, Manski 1989), so nothing is assumed about why they are missing.
    """
    answered = np.asarray(counts, dtype=np.float64)
    q = np.asarray(reference, dtype=np.float64)
    n = answered.sum() + unanswered
    smallest = float(np.maximum(answered / n - q, 0).sum())
    candidates = answered / n + np.eye(q.size) * (unanswered / n)
    largest = float(0.5 * np.abs(candidates - q).sum(axis=1).max())
    return smallest, largest


def _relative_entropy(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    positive = p > 0
    return float((p[positive] * np.log2(p[positive] / q[positive])).sum())

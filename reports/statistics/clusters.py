"""Samples whose pictures are not independent, because prompts or seeds are shared."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClusterEffect:
    """How much clustering changes the precision of the shares of K values.

    Attributes:
        variance: (K,) variance of each share, with clusters and strata accounted for.
        design_effect: mean over the values of that variance divided by the variance of
            independent pictures with the same strata (first-order Rao and Scott 1984).
        clusters: number of clusters.
    """

    variance: NDArray[np.float64]
    design_effect: float
    clusters: int


def cluster_effect(
    indicators: NDArray[np.float64],
    clusters: NDArray[np.intp],
    strata: NDArray[np.intp],
) -> ClusterEffect:
    """Linearised variance of shares when clusters (seeds) cut across strata (prompts).

    Args:
        indicators: (n, K) one-hot values.
        clusters, strata: (n,) codes from 0.
    """
    n = indicators.shape[0]
    sizes = np.bincount(strata).astype(np.float64)
    means = _sum_by(indicators, strata) / np.maximum(sizes, 1)[:, None]
    residuals = indicators - means[strata]
    independent = (residuals**2).sum(axis=0) / n**2
    count = int(clusters.max()) + 1
    if count == n:
        return ClusterEffect(independent * n / max(n - 1, 1), 1.0, n)
    sums = _sum_by(residuals, clusters)
    variance = (sums**2).sum(axis=0) / n**2 * count / max(count - 1, 1)
    total = independent.sum()
    effect = float(variance.sum() / total) if total > 0 else 1.0
    return ClusterEffect(variance, effect, count)


def _sum_by(values: NDArray[np.float64], codes: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.stack([np.bincount(codes, weights=column) for column in values.T], axis=1)

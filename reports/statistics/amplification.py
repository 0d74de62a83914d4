"""Does a generator exaggerate what a reference already shows?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

_ITERATIONS = 50


@dataclass(frozen=True)
class Amplification:
    """Slope of the logit of the observed share on the logit of the reference share.

    Attributes:
        slope: above 1 the generator exaggerates, below 1 it evens out.
        interval: 95 %, prompts taken as a sample.
        correlation: Pearson correlation of the shares.
        mean_shift: mean of (observed - reference), counted positive away from one half.
    """

    slope: float
    interval: tuple[float, float]
    correlation: float
    mean_shift: float


def amplification(
    counts: Sequence[int], sizes: Sequence[int], references: Sequence[float]
) -> Amplification | None:
    """Binomial regression with dispersion (quasi-likelihood), one row a prompt.

    Rows whose reference is 0 or 1 have no logit and are left out.

    Returns:
        None with fewer than four usable prompts or without spread among the references.
    """
    rows = [(c, n, q) for c, n, q in zip(counts, sizes, references, strict=True) if 0 < q < 1 and n]
    if len(rows) < 4:
        return None
    k, n, q = (np.array(column, dtype=np.float64) for column in zip(*rows, strict=True))
    design = np.stack([np.ones_like(q), special.logit(q)], axis=1)
    if np.ptp(design[:, 1]) < 1e-6:
        return None
    beta = np.array([0.0, 1.0])
    for _ in range(_ITERATIONS):
        mean = special.expit(design @ beta)
        weight = np.maximum(n * mean * (1 - mean), 1e-9)
        information = design.T @ (design * weight[:, None])
        step = np.linalg.solve(information, design.T @ (k - n * mean))
        beta = np.clip(beta + step, -30, 30)
        if np.abs(step).max() < 1e-10:
            break
    mean = special.expit(design @ beta)
    weight = np.maximum(n * mean * (1 - mean), 1e-9)
    freedom = len(rows) - 2
    dispersion = max(1.0, float(((k - n * mean) ** 2 / weight).sum()) / freedom)
    variance = np.linalg.inv(design.T @ (design * weight[:, None])) * dispersion
    critical = stats.t.ppf(0.975, freedom) if dispersion > 1 else stats.norm.ppf(0.975)
    half = float(critical * np.sqrt(variance[1, 1]))
    observed = k / n
    spread = np.std(observed) > 0
    return Amplification(
        slope=float(beta[1]),
        interval=(float(beta[1]) - half, float(beta[1]) + half),
        correlation=float(np.corrcoef(observed, q)[0, 1]) if spread else 0.0,
        mean_shift=float(((observed - q) * np.sign(q - 0.5)).mean()),
    )

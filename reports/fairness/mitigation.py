"""What if: prompt weights and quotas that would bring pictures to the reference."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from assay.reports.fairness.claims import RepresentationClaim
from assay.reports.fairness.results import Mitigation, PromptWeight

_LEAST_WEIGHT = 0.001  # a tenth of a percent of the prompts is not worth a line


def mitigations(claims: tuple[RepresentationClaim, ...]) -> tuple[Mitigation, ...]:
    """For every attribute whose pooled claim found a disparity.

    Arithmetic on the observed shares, not a promise: new pictures vary, and a generator
    that never shows a value cannot be mended by weights or quotas.
    """
    results = []
    for pooled in claims:
        if pooled.stratum is not None or pooled.verdict.code != "disparity-found":
            continue
        strata = [
            c
            for c in claims
            if c.attribute == pooled.attribute and c.stratum is not None and c.answered
        ]
        results.append(_mitigation(pooled, strata))
    return tuple(results)


def _mitigation(pooled: RepresentationClaim, strata: list[RepresentationClaim]) -> Mitigation:
    values = [s.value for s in pooled.shares]
    target = np.array([s.reference for s in pooled.shares])
    observed = np.array([s.share for s in pooled.shares])
    weights: tuple[PromptWeight, ...] = ()
    reachable = pooled.total_variation
    usable = [c for c in strata if [s.value for s in c.shares] == values]
    if len(usable) >= 2:
        shares = np.array([[s.share for s in c.shares] for c in usable])
        solution, reachable = best_weights(shares, target)
        weights = tuple(
            PromptWeight(prompt=c.stratum or "", weight=float(w))
            for c, w in zip(usable, solution, strict=True)
            if w >= _LEAST_WEIGHT
        )
    wanted = target > 0
    per_kept = None
    if (observed[wanted] > 0).all():
        per_kept = float((target[wanted] / observed[wanted]).max())
    return Mitigation(
        attribute=pooled.attribute,
        distance=pooled.total_variation,
        reweighted_distance=reachable,
        weights=weights,
        generated_per_kept=per_kept,
    )


def best_weights(
    shares: NDArray[np.float64], target: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Weights (prompts,) that bring the mixture of shares (prompts, K) closest to the target.

    Returns:
        The weights, summing to 1, and the total variation they leave (a linear program).
    """
    prompts, k = shares.shape
    cost = np.concatenate([np.zeros(prompts), np.full(k, 0.5)])
    above = np.hstack([shares.T, -np.eye(k)])
    below = np.hstack([-shares.T, -np.eye(k)])
    solved = linprog(
        cost,
        A_ub=np.vstack([above, below]),
        b_ub=np.concatenate([target, -target]),
        A_eq=np.concatenate([np.ones(prompts), np.zeros(k)])[None],
        b_eq=[1.0],
        bounds=(0, None),
        method="highs",
    )
    solution = np.asarray(solved.x)
    return solution[:prompts], float(cost @ solution)

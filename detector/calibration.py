"""From held-out scores to probabilities and a threshold that can be promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.evaluation.metrics import auc, rate_above

# Under these the scores do not order unseen sources and generators, and nothing may be said.
MIN_GROUP_OUT_AUC = 0.55
# `likely-generated` is set at these rates: of all held-out real pictures, and of each held-out
# source that has enough pictures for such a rate to be observed (2 in 50 are 4 %).
FALSE_POSITIVE_RATE = 0.01
WORST_SOURCE_RATE = 0.05
SMALLEST_SOURCE = 50
# A mild further delivery of a claimed picture must not score like an ordinary photograph: it has
# to stay above what this share of held-out real pictures exceed.
STABILITY_RATE = 0.05


@dataclass(frozen=True)
class Calibration:
    """Platt scaling: log-odds = slope x score + intercept."""

    slope: float
    intercept: float


def platt(
    scores: NDArray[np.float64], generated: NDArray[np.bool_], weight: NDArray[np.float64]
) -> Calibration:
    """Logistic fit of the labels on held-out scores, classes weighted alike.

    Platt's target smoothing keeps few pictures from giving certainty ("Probabilistic outputs
    for support vector machines", 1999, section 2.2). Newton steps on two parameters.
    """
    positive, negative = int(generated.sum()), int((~generated).sum())
    target = np.where(generated, (positive + 1) / (positive + 2), 1 / (negative + 2))
    design = np.column_stack([scores, np.ones_like(scores)])
    parameters = np.zeros(2)
    for _ in range(50):
        probability = 1 / (1 + np.exp(-np.clip(design @ parameters, -30, 30)))
        gradient = design.T @ (weight * (probability - target))
        curvature = weight * probability * (1 - probability) + 1e-12
        step = np.linalg.solve(
            (design * curvature[:, None]).T @ design + 1e-9 * np.eye(2), gradient
        )
        parameters -= step
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(slope=float(parameters[0]), intercept=float(parameters[1]))


def trustworthy(calibration: Calibration, group_out_auc: float) -> bool:
    """Whether held-out scores order and calibrate well enough to be used at all."""
    return calibration.slope > 0 and group_out_auc >= MIN_GROUP_OUT_AUC


def distrust(calibration: Calibration, group_out_auc: float, threshold: dict[str, Any]) -> str:
    """Why a model may decide nothing; empty when it may.

    Args:
        calibration: fitted on held-out scores.
        group_out_auc: macro AUC over generator families.
        threshold: what `worst_source_threshold` found.
    """
    if calibration.slope <= 0:
        return "its held-out scores do not rise where pictures are generated"
    if not group_out_auc >= MIN_GROUP_OUT_AUC:
        return f"its held-out AUC is {group_out_auc:.2f}, under {MIN_GROUP_OUT_AUC}"
    if not np.isfinite(threshold["worst_source_fpr"]):
        return (
            f"no real source of its corpus has {SMALLEST_SOURCE} pictures, so no rate of false "
            "positives of the worst source can be promised"
        )
    return ""


def worst_source_threshold(
    scores: NDArray[np.float64], generated: NDArray[np.bool_], sources: NDArray[np.str_]
) -> dict[str, Any]:
    """The lowest threshold that keeps held-out real pictures at or below the two rates.

    Scores are calibrated log-odds of group-out folds.

    Returns:
        The threshold; the false-positive rate of all real pictures, of the worst source with
        at least `SMALLEST_SOURCE` pictures, and of every source with its size; the recall.
    """
    real = ~generated
    rates: dict[str, dict[str, float]] = {}
    thresholds = [_quantile(scores[real], FALSE_POSITIVE_RATE)]
    large = []
    for source in np.unique(sources[real]):
        mine = scores[real & (sources == source)]
        if len(mine) >= SMALLEST_SOURCE:
            large.append(mine)
            thresholds.append(_quantile(mine, WORST_SOURCE_RATE))
    threshold = max(thresholds)
    for source in np.unique(sources[real]):
        mine = scores[real & (sources == source)]
        rates[str(source)] = {"fpr": rate_above(mine, threshold), "pictures": len(mine)}
    worst = max((rate_above(mine, threshold) for mine in large), default=float("nan"))
    return {
        "log_odds": threshold,
        "stability_log_odds": min(threshold, _quantile(scores[real], STABILITY_RATE)),
        "stability_fpr": STABILITY_RATE,
        "target_fpr": FALSE_POSITIVE_RATE,
        "target_worst_source_fpr": WORST_SOURCE_RATE,
        "smallest_source": SMALLEST_SOURCE,
        "overall_fpr": rate_above(scores[real], threshold),
        "worst_source_fpr": worst,
        "tpr": rate_above(scores[generated], threshold),
        "group_out_auc_pooled": auc(scores[real], scores[generated]),
        "fpr_by_source": rates,
    }


def _quantile(real: NDArray[np.float64], rate: float) -> float:
    """The smallest observed score that at most `rate` of the scores exceed."""
    ordered = np.sort(real)
    return float(ordered[len(ordered) - 1 - int(rate * len(ordered))])

"""The figures a detector is judged by; all take log-odds (higher: generated) per picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Scores = NDArray[np.float64]
Mask = NDArray[np.bool_]

# A group below this size is an anecdote and is left out of macro averages.
SMALLEST_GROUP = 5
CONTRAST_STRATA = 4
_ECE_BINS = 10


def auc(real: Scores, generated: Scores) -> float:
    """Probability that a generated picture scores above a real one (ties count half).

    Raises:
        ValueError: one of the two is empty.
    """
    if not len(real) or not len(generated):
        raise ValueError("AUC needs real and generated pictures")
    ranks = rankdata(np.concatenate([real, generated]))[len(real) :]
    count = len(generated)
    return float((ranks.sum() - count * (count + 1) / 2) / (len(real) * count))


def auc_by_group(
    scores: Scores, generated: Mask, groups: NDArray[np.str_], *, of_real: bool = False
) -> dict[str, tuple[float, int]]:
    """AUC and size of each group of one class against all pictures of the other class."""
    side = ~generated if of_real else generated
    other = scores[~side]
    found: dict[str, tuple[float, int]] = {}
    for group in np.unique(groups[side]):
        members = scores[side & (groups == group)]
        if len(members) and len(other):
            pair = (members, other) if of_real else (other, members)
            found[str(group)] = (auc(*pair), len(members))
    return found


def macro(by_group: dict[str, tuple[float, int]], smallest: int = SMALLEST_GROUP) -> float:
    """Mean AUC of the groups with at least `smallest` pictures; NaN without any."""
    values = [value for value, size in by_group.values() if size >= smallest]
    return float(np.mean(values)) if values else float("nan")


def stratified_auc(
    scores: Scores, generated: Mask, statistic: NDArray[np.float32], strata: int = CONTRAST_STRATA
) -> float:
    """Mean AUC within quantile strata of a single statistic, so that it cannot contribute."""
    edges = np.quantile(statistic, np.linspace(0, 1, strata + 1)[1:-1])
    stratum = np.digitize(statistic, edges)
    values = []
    for number in range(strata):
        inside = stratum == number
        real, fake = scores[inside & ~generated], scores[inside & generated]
        if min(len(real), len(fake)) >= SMALLEST_GROUP:
            values.append(auc(real, fake))
    return float(np.mean(values)) if values else float("nan")


def rate_above(scores: Scores, threshold: float) -> float:
    """Share of scores above a threshold; NaN for none."""
    return float((scores > threshold).mean()) if len(scores) else float("nan")


def tpr_at_worst_source(
    scores: Scores, generated: Mask, sources: NDArray[np.str_], false_positive_rate: float
) -> float:
    """Recall at the threshold where every real source stays at or below the rate (empirically)."""
    thresholds = []
    for source in np.unique(sources[~generated]):
        real = np.sort(scores[~generated & (sources == source)])
        if len(real) >= SMALLEST_GROUP:
            allowed = int(false_positive_rate * len(real))
            thresholds.append(real[len(real) - 1 - allowed])
    return rate_above(scores[generated], max(thresholds)) if thresholds else float("nan")


def expected_calibration_error(probability: Scores, generated: Mask) -> float:
    """Class-balanced ECE over ten equal bins: the prior odds of a corpus mean nothing."""
    weight = np.where(generated, 0.5 / max(generated.sum(), 1), 0.5 / max((~generated).sum(), 1))
    bins = np.minimum((probability * _ECE_BINS).astype(int), _ECE_BINS - 1)
    gap = [
        abs((weight * (probability - generated))[bins == number].sum())
        for number in range(_ECE_BINS)
    ]
    return float(np.sum(gap))


def bootstrap_interval(
    figure: Callable[[NDArray[np.int64]], float],
    groups: NDArray[np.str_],
    *,
    draws: int = 200,
    seed: int = 0,
) -> tuple[float, float]:
    """5th and 95th percentile of a figure when whole groups are drawn with replacement.

    Args:
        figure: from picture indices to a number; NaN draws are dropped.
        groups: group of each picture.
    """
    rng = np.random.default_rng(seed)
    names = np.unique(groups)
    members = {name: np.flatnonzero(groups == name) for name in names}
    values = []
    for _ in range(draws):
        chosen = rng.choice(names, len(names))
        value = figure(np.concatenate([members[name] for name in chosen]))
        if np.isfinite(value):
            values.append(value)
    if not values:
        return float("nan"), float("nan")
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high)


def rounded(value: Any) -> Any:
    """Four decimals everywhere, more would claim precision that is not there; NaN becomes None."""
    if isinstance(value, float | np.floating):
        return round(float(value), 4) if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    return value

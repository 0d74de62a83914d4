"""Scores of pictures by models that saw neither their source nor their generator, and what follows.

The same figures and the same operating point for a network, a probe and a foreign model.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.calibration import Calibration, distrust, platt, worst_source_threshold
from assay.detector.evaluation.metrics import (
    SMALLEST_GROUP,
    auc,
    auc_by_group,
    bootstrap_interval,
    expected_calibration_error,
    macro,
    stratified_auc,
)
from assay.detector.labels import Labelled
from assay.detector.training.folds import Fold, group_out
from assay.errors import InputRefused

Scores = NDArray[np.float64]
ByGroup = dict[str, tuple[float, int]]

PROTOCOL = (
    "leave-generator x leave-source-out: no test picture shares its source or its generator "
    "family with training"
)


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of a corpus, each by a model that saw nothing of its picture's group.

    Attributes:
        labels: the corpus.
        scores: n, NaN where a picture was in no test fold.
        folds: what was left out together.
        contrast: of each picture's standard rendition, n.
    """

    labels: Labelled
    scores: Scores
    folds: tuple[Fold, ...]
    contrast: NDArray[np.float32]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Which pictures have a score."""
        known: NDArray[np.bool_] = np.isfinite(self.scores)
        return known

    def by_family(self) -> ByGroup:
        """AUC of each generator family within its fold, and its size."""
        return self._by_group(self.labels.families, of_real=False)

    def by_source(self) -> ByGroup:
        """AUC of each real source within its fold, and its size."""
        return self._by_group(self.labels.sources, of_real=True)

    @property
    def macro_auc(self) -> float:
        """Mean over generator families."""
        return macro(self.by_family())

    def within_contrast(self) -> float:
        """Mean over folds of the AUC within strata of equal contrast."""
        generated = self.labels.generated
        values = [
            stratified_auc(self.scores[fold.test], generated[fold.test], self.contrast[fold.test])
            for fold in self.folds
        ]
        known = [value for value in values if np.isfinite(value)]
        return float(np.mean(known)) if known else float("nan")

    def _by_group(self, groups: NDArray[np.str_], *, of_real: bool) -> ByGroup:
        generated = self.labels.generated
        values: dict[str, list[tuple[float, int]]] = defaultdict(list)
        for fold in self.folds:
            test = fold.test
            found = auc_by_group(self.scores[test], generated[test], groups[test], of_real=of_real)
            for name, value in found.items():
                values[name].append(value)
        return {
            name: (float(np.mean([value for value, _ in pairs])), sum(size for _, size in pairs))
            for name, pairs in sorted(values.items())
        }


def hold_out_scores(
    labels: Labelled,
    contrast: NDArray[np.float32],
    fit_and_score: Callable[[int, Fold], Scores],
    *,
    folds: int,
    seed: int = 0,
) -> HeldOutScores:
    """Score every test fold with what was fitted on its training part.

    Args:
        labels: the corpus.
        contrast: of each picture, n.
        fit_and_score: from a fold's number and the fold to scores of its test part.
        folds: into how many parts sources and families are dealt.
        seed: of the deal.

    Raises:
        InputRefused: no fold holds both classes on both sides.
    """
    dealt = tuple(group_out(labels, folds=folds, seed=seed))
    if not dealt:
        raise InputRefused(
            "no fold holds both classes: too few sources or generators",
            advice="fill the manifest's columns `source` and `generator`",
        )
    scores = np.full(len(labels.rows), np.nan)
    for number, fold in enumerate(dealt):
        scores[fold.test] = fit_and_score(number, fold)
    return HeldOutScores(labels, scores, dealt, contrast)


@dataclass(frozen=True)
class OperatingPoint:
    """What a model may say: calibration, thresholds, and why it may say nothing at all."""

    calibration: Calibration
    threshold: dict[str, Any]
    distrust: str

    def as_card(self) -> dict[str, Any]:
        """The sections of the card that scoring reads."""
        return {
            "calibration": {
                "slope": self.calibration.slope,
                "intercept": self.calibration.intercept,
            },
            "threshold": self.threshold,
            "trustworthy": not self.distrust,
            "distrusted_because": self.distrust,
        }


def operating_point(held_out: HeldOutScores, *, require_slope: bool = False) -> OperatingPoint:
    """Calibrate on held-out scores and set the threshold by the worst real source.

    Args:
        held_out: scores of at least two classes.
        require_slope: refuse scores that fall where generated pictures are.

    Raises:
        InputRefused: the slope is not positive and `require_slope` is set.
    """
    seen = held_out.seen
    scores, labels = held_out.scores[seen], held_out.labels
    generated, sources = labels.generated[seen], labels.sources[seen]
    calibration = platt(scores, generated, balanced(generated, labels.groups[seen]))
    if require_slope and calibration.slope <= 0:
        raise InputRefused(
            f"the scores fall where pictures are generated (slope {calibration.slope:.3f}): the "
            "model cannot be calibrated on this corpus",
            advice="check --generated-label, or use a corpus like what the model was made for",
        )
    log_odds = calibration.slope * scores + calibration.intercept
    threshold = worst_source_threshold(log_odds, generated, sources)
    return OperatingPoint(
        calibration, threshold, distrust(calibration, held_out.macro_auc, threshold)
    )


def balanced(generated: NDArray[np.bool_], groups: NDArray[np.str_]) -> Scores:
    """Both classes weigh the same; within a class each group by the square root of its size."""
    _, inverse, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    weight: Scores = np.asarray(sizes[inverse] ** -0.5, np.float64)
    for side in (generated, ~generated):
        weight[side] *= 0.5 * len(weight) / weight[side].sum()
    return weight


def describe_held_out(held_out: HeldOutScores, point: OperatingPoint) -> dict[str, Any]:
    """The card's section on held-out figures, JSON-ready."""
    seen = held_out.seen
    generated, sources = held_out.labels.generated[seen], held_out.labels.sources[seen]
    log_odds = point.calibration.slope * held_out.scores[seen] + point.calibration.intercept
    by_family = held_out.by_family()
    return {
        "protocol": PROTOCOL,
        "folds": len(held_out.folds),
        "macro_auc": held_out.macro_auc,
        "macro_auc_interval": macro_interval(by_family),
        "within_contrast_strata": held_out.within_contrast(),
        "ece": expected_calibration_error(1 / (1 + np.exp(-log_odds)), generated),
        "same_source_pairs": same_source_pairs(log_odds, generated, sources),
        "by_generator_family": figures_of(by_family),
        "by_real_source": figures_of(held_out.by_source()),
    }


def figures_of(by_group: ByGroup) -> dict[str, dict[str, float]]:
    """AUC and size of each group, the weakest first."""
    return {
        name: {"auc": value, "pictures": size}
        for name, (value, size) in sorted(by_group.items(), key=lambda item: item[1][0])
    }


def same_source_pairs(
    log_odds: Scores, generated: NDArray[np.bool_], sources: NDArray[np.str_]
) -> dict[str, float]:
    """AUC inside collections that hold both classes in one processing: the hardest figure."""
    found = {}
    for source in np.unique(sources):
        real, fake = (log_odds[(sources == source) & side] for side in (~generated, generated))
        if min(len(real), len(fake)) >= SMALLEST_GROUP:
            found[str(source)] = auc(real, fake)
    return found


def macro_interval(by_family: ByGroup) -> list[float]:
    """5th and 95th percentile of the macro AUC when families are drawn with replacement."""
    names = np.array(sorted(by_family))

    def figure(index: NDArray[np.int64]) -> float:
        return macro({str(place): by_family[names[k]] for place, k in enumerate(index)})

    return list(bootstrap_interval(figure, names))

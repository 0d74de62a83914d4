"""Scoring one picture: features, calibrated probability, and every reason not to say anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import SUITE
from assay.detector.degradation import examine_condition
from assay.detector.features import extract
from assay.detector.linear import LinearModel, default_model
from assay.detector.neutralisation import check_pixels, neutralise
from assay.media import Media

# Percentiles of the committee between which the interval lies.
_INTERVAL = (5, 95)
# A verdict must hold up under two mild further deliveries.
_STABILITY = {
    "at JPEG quality 70": SUITE["jpeg-70"],
    "reduced to three quarters": SUITE["resize-0.75"],
}


@dataclass(frozen=True)
class Component:
    """What one model says.

    Attributes:
        model, version: which one, as in its model card.
        log_odds: calibrated natural log-odds of "generated".
        contributions: what each feature group adds to the log-odds.
    """

    model: str
    version: str
    log_odds: float
    contributions: Mapping[str, float]


@dataclass(frozen=True)
class Score:
    """How a picture scores, and whether that is enough to say anything.

    Attributes:
        probability: calibrated probability of "generated" at equal prior odds, 0..1.
        interval: the same for the 5th and 95th percentile of models trained on resampled
            sources: how much the answer depends on which sources were in the training set.
        log_odds: natural log-odds behind `probability`.
        components: one per model.
        abstained: True unless the picture lies above the threshold and no gate objects.
        reason: why the detector abstained; empty when it did not.
        pixels: the examined picture, for `heatmap`.
    """

    probability: float
    interval: tuple[float, float]
    log_odds: float
    components: tuple[Component, ...]
    abstained: bool
    reason: str
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)
    model: LinearModel = field(repr=False, compare=False)

    @property
    def likely_generated(self) -> bool:
        """Above the threshold that the model card states, and stable."""
        return not self.abstained

    def heatmap(self) -> NDArray[np.float32]:
        """Log-odds per place, float32 HxW in the size of the picture; see `explanation`."""
        from assay.detector.explanation import heatmap

        return heatmap(self.pixels, self.model)


def score(
    source: NDArray[np.uint8] | str | Path | Media, *, model: LinearModel | None = None
) -> Score:
    """Score one picture.

    Args:
        source: sRGB uint8 HxWx3 pixels, a path, or open media (its first frame).
        model: default: the one that ships.

    Returns:
        Always a score; `abstained` and `reason` say when nothing may be concluded from it. It
        never says that a picture is a photograph.

    Raises:
        InputRefused: the media cannot be opened or decoded, or the array is not a picture.
        ConfigurationError: the model's files are damaged.
    """
    pixels = _pixels(source)
    model = model or default_model()
    features = extract(neutralise(pixels, model.rendition))
    members = model.members(features[None])[0]
    log_odds = float(members.mean())
    low, high = np.percentile(members, _INTERVAL)
    reason = _objection(pixels, features, log_odds, model)
    return Score(
        probability=_probability(log_odds),
        interval=(_probability(min(low, log_odds)), _probability(max(high, log_odds))),
        log_odds=log_odds,
        components=(Component(model.name, model.version, log_odds, model.contributions(features)),),
        abstained=bool(reason),
        reason=reason,
        pixels=pixels,
        model=model,
    )


def _pixels(source: NDArray[np.uint8] | str | Path | Media) -> NDArray[np.uint8]:
    if isinstance(source, np.ndarray):
        check_pixels(source)
        return source
    media = source if isinstance(source, Media) else Media.open(source)
    return media.pixels()


def _probability(log_odds: float) -> float:
    return float(1 / (1 + np.exp(-np.clip(log_odds, -30, 30))))


def _objection(
    pixels: NDArray[np.uint8],
    features: NDArray[np.float32],
    log_odds: float,
    model: LinearModel,
) -> str:
    """Why nothing is concluded; empty when the picture counts as likely generated."""
    if not model.trustworthy:
        return "the model failed its held-out test, so its scores are shown but decide nothing"
    if objection := examine_condition(pixels).objection():
        return objection
    if model.out_of_domain(features) > model.domain:
        return "unlike the pictures the model was trained on"
    if log_odds <= model.threshold:
        return "below the threshold, where photographs score as well"
    for name, deliver in _STABILITY.items():
        again = extract(neutralise(deliver(pixels), model.rendition))
        if float(model.members(again[None]).mean()) <= model.stability:
            return f"not stable: {name} the picture scores like a photograph"
    return ""

"""Scoring one picture: features, calibrated probability, and every reason not to say anything."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.detector.gates import Gate, objection
from assay.detector.loading import linear_part, load_model
from assay.detector.models import Component, DetectorModel
from assay.detector.neutralisation import check_pixels
from assay.media import Media

# Percentiles of the committee between which the interval lies.
_INTERVAL = (5, 95)


@dataclass(frozen=True)
class Score:
    """How a picture scores, and whether that is enough to say anything.

    Attributes:
        probability: calibrated probability of "generated" at equal prior odds, 0..1.
        interval: the same for the 5th and 95th percentile of models trained on resampled
            sources: how much the answer depends on which sources were in the training set.
        log_odds: natural log-odds behind `probability`.
        components: one per model, in the order in which they were combined.
        abstained: True unless the picture lies above the threshold and no gate objects.
        reason: why the detector abstained; empty when it did not.
        gate: which gate objected (see `gates`); None when none did.
        pixels: the examined picture, for `heatmap`.
        model: what scored it.
    """

    probability: float
    interval: tuple[float, float]
    log_odds: float
    components: tuple[Component, ...]
    abstained: bool
    reason: str
    gate: Gate | None
    pixels: NDArray[np.uint8] = field(repr=False, compare=False)
    model: DetectorModel = field(repr=False, compare=False)

    @property
    def likely_generated(self) -> bool:
        """Above the threshold that the model card states, and stable."""
        return not self.abstained

    def heatmap(self) -> NDArray[np.float32]:
        """Log-odds per place, float32 HxW in the size of the picture; see `assay.detector.heatmap`.

        Raises:
            ConfigurationError: no part of the model works by place.
        """
        from assay.detector.heatmap import heatmap

        return heatmap(self.pixels, linear_part(self.model))


def score(
    source: NDArray[np.uint8] | str | Path | Media,
    *,
    model: DetectorModel | str | Path | None = None,
) -> Score:
    """Score one picture.

    Args:
        source: sRGB uint8 HxWx3 pixels, a path, or open media (its first frame).
        model: a loaded model, or what `load_model` understands (a card, an ONNX file,
            `hf:...`, `timm:...`); default: the one of the settings, else the one that ships.

    Returns:
        Always a score; `abstained` and `reason` say when nothing may be concluded from it. It
        never says that a picture is a photograph.

    Raises:
        InputRefused: the media cannot be opened or decoded, or the array is not a picture.
        ConfigurationError: the model's files are damaged.
        MissingExtra: the model needs an optional part of Assay.
    """
    pixels = _pixels(source)
    if model is None or isinstance(model, str | Path):
        model = load_model(model)
    reading = model.read(pixels)
    log_odds = reading.log_odds
    low, high = np.percentile(reading.members, _INTERVAL)
    objected = objection(pixels, reading, model)
    return Score(
        probability=_probability(log_odds),
        interval=(_probability(min(low, log_odds)), _probability(max(high, log_odds))),
        log_odds=log_odds,
        components=reading.components,
        abstained=objected is not None,
        reason=objected.reason if objected else "",
        gate=objected.gate if objected else None,
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

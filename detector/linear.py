"""Detector A: standardised features, a small committee of linear models, one calibration.

The model is read from an `.npz` of plain arrays (`allow_pickle=False`) whose sha256 the model
card beside it states; nothing but numpy is needed to score.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.features import FEATURE_VERSION, GROUPS, NAMES, extract
from assay.detector.models import CardedModel, Component, Reading
from assay.detector.neutralisation import Rendition, neutralise
from assay.detector.weights_file import SHIPPED, check_shape, read_arrays, save_arrays

DEFAULT_NAME = "frequency-1"
KIND = "linear committee on frequency-artifact features"
_ARRAYS = ("mean", "scale", "weights", "bias", "calibration", "threshold", "stability", "domain")
# Standardised features beyond this are outliers of one source; they must not outvote the rest.
CLIP = 4.0


@dataclass(frozen=True)
class LinearModel(CardedModel):
    """A calibrated linear detector.

    Attributes:
        mean, scale: standardisation of the features, float64, d.
        weights: committee members fitted on resampled sources, float64, B x d.
        bias: B.
        slope, intercept: Platt calibration of the committee's mean score, fitted on scores of
            sources and generators that the fitted model had not seen.
        threshold: calibrated log-odds above which real pictures of the worst held-out source
            were at most at the stated false-positive rate.
        stability: calibrated log-odds that mild further deliveries of a claimed picture must
            keep; at most `threshold`.
        domain: share of clipped features beyond which a picture is unlike the training set.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    slope: float
    intercept: float
    threshold: float
    stability: float
    domain: float

    @property
    def rendition(self) -> Rendition:
        return Rendition(**self.card["rendition"])

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        features = extract(neutralise(pixels, self.rendition))
        members = self.members(features[None])[0]
        component = Component(
            self.name, self.version, float(members.mean()), self.contributions(features)
        )
        return Reading(members, (component,), self.out_of_domain(features) > self.domain)

    def standardise(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Features in units of the training spread, not yet clipped; shape as given."""
        standardised: NDArray[np.float64] = (features.astype(np.float64) - self.mean) / self.scale
        return standardised

    def members(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log-odds by each committee member; features n x d, result n x B."""
        clipped = np.clip(self.standardise(features), -CLIP, CLIP)
        log_odds: NDArray[np.float64] = (
            self.slope * (clipped @ self.weights.T + self.bias) + self.intercept
        )
        return log_odds

    def contributions(self, features: NDArray[np.float32]) -> dict[str, float]:
        """What each feature group adds to the log-odds of one picture (d features)."""
        clipped = np.clip(self.standardise(features), -CLIP, CLIP)
        parts = self.slope * clipped * self.weights.mean(0)
        groups = np.array(GROUPS)
        return {group: float(parts[groups == group].sum()) for group in dict.fromkeys(GROUPS)}

    def out_of_domain(self, features: NDArray[np.float32]) -> float:
        """Share of the features (d) that lie beyond the clipping range of the training set."""
        return float((np.abs(self.standardise(features)) > CLIP).mean())


def save(model: LinearModel, folder: str | Path) -> Path:
    """Write `<name>.npz` and the card `<name>.json`, which states the checksum of the former.

    Returns:
        The path of the card.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "mean": model.mean.astype(np.float32),
        "scale": model.scale.astype(np.float32),
        "weights": model.weights.astype(np.float32),
        "bias": np.asarray(model.bias),
        "calibration": np.array([model.slope, model.intercept]),
        "threshold": np.array(model.threshold),
        "stability": np.array(model.stability),
        "domain": np.array(model.domain),
    }
    return save_arrays(model.card, arrays, folder)


def load(card_path: str | Path) -> LinearModel:
    """Read a model by the path of its card; the weights lie beside it.

    Raises:
        ConfigurationError: a file is missing, the checksum differs from the card's, or the
            model was trained on another version of the features.
    """
    card, arrays = read_arrays(
        card_path, _ARRAYS, retrain="assay train", feature_version=FEATURE_VERSION
    )
    check_shape(card_path, arrays["weights"], (None, len(NAMES)))
    slope, intercept = arrays["calibration"]
    return LinearModel(
        mean=arrays["mean"],
        scale=arrays["scale"],
        weights=arrays["weights"],
        bias=arrays["bias"],
        slope=float(slope),
        intercept=float(intercept),
        threshold=float(arrays["threshold"]),
        stability=float(arrays["stability"]),
        domain=float(arrays["domain"]),
        card=card,
    )


@cache
def default_model() -> LinearModel:
    """The model that ships with this release."""
    return load(SHIPPED / f"{DEFAULT_NAME}.json")

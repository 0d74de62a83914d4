"""Detector A: a committee of linear models and one of similarities to landmark pictures.

Both read the same standardised features and count alike; one calibration follows.

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
from assay.detector.similarity import Metric, Similarity
from assay.detector.weights_file import SHIPPED, check_shape, read_arrays, save_arrays

DEFAULT_NAME = "frequency-1"
KIND = "linear committee and similarities on frequency-artifact features"
_SIMILARITY = (
    "centre",
    "whitening",
    "landmarks",
    "similarity-weights",
    "similarity-bias",
    "baseline",
)
_ARRAYS = (
    *("mean", "scale", "weights", "bias", "calibration", "threshold", "stability", "domain"),
    *_SIMILARITY,
)
# Standardised features beyond this are outliers of one source; they must not outvote the rest.
CLIP = 4.0


@dataclass(frozen=True)
class LinearModel(CardedModel):
    """A calibrated detector; half of its score is linear in the features.

    Attributes:
        mean, scale: standardisation of the features, float64, d.
        weights: committee members fitted on resampled sources, float64, B x d.
        bias: B.
        similarity: the other half of the score.
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
    similarity: Similarity
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
        clipped = self._clipped(features)
        both = (self._linear(clipped) + self.similarity.members(clipped)) / 2
        log_odds: NDArray[np.float64] = self.slope * both + self.intercept
        return log_odds

    def by_place(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Log-odds of places by the linear half alone, whose score of a picture is their mean.

        Args:
            features: n places x d.

        Returns:
            n; in the unit of the calibrated score, as if the other half agreed.
        """
        linear = self._linear(self._clipped(features)).mean(1)
        log_odds: NDArray[np.float64] = self.slope * linear + self.intercept
        return log_odds

    def contributions(self, features: NDArray[np.float32]) -> dict[str, float]:
        """What each feature group adds to the log-odds of one picture (d features)."""
        clipped = self._clipped(features)
        linear = clipped * self.weights.mean(0)
        groups = np.array(GROUPS)
        return {
            group: float(self.slope * (linear[groups == group].sum() + added) / 2)
            for group, added in self.similarity.contributions(clipped).items()
        }

    def out_of_domain(self, features: NDArray[np.float32]) -> float:
        """Share of the features (d) that lie beyond the clipping range of the training set."""
        return float((np.abs(self.standardise(features)) > CLIP).mean())

    def _clipped(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        clipped: NDArray[np.float64] = np.clip(self.standardise(features), -CLIP, CLIP)
        return clipped

    def _linear(self, clipped: NDArray[np.float64]) -> NDArray[np.float64]:
        """Uncalibrated score of the linear half, n x B."""
        scores: NDArray[np.float64] = clipped @ self.weights.T + self.bias
        return scores


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
        "centre": model.similarity.metric.centre,
        "whitening": model.similarity.metric.whitening,
        "landmarks": model.similarity.landmarks.astype(np.float16),
        "similarity-weights": model.similarity.weights.astype(np.float32),
        "similarity-bias": model.similarity.bias,
        "baseline": model.similarity.baseline,
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
    for name in ("weights", "whitening", "landmarks"):
        check_shape(card_path, arrays[name], (None, len(NAMES)))
    slope, intercept = arrays["calibration"]
    return LinearModel(
        mean=arrays["mean"],
        scale=arrays["scale"],
        weights=arrays["weights"],
        bias=arrays["bias"],
        similarity=Similarity(
            metric=Metric(
                arrays["centre"].astype(np.float32), arrays["whitening"].astype(np.float32)
            ),
            landmarks=arrays["landmarks"].astype(np.float32),
            weights=arrays["similarity-weights"],
            bias=arrays["similarity-bias"],
            baseline=arrays["baseline"],
        ),
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

"""The face model: one linear score per face, calibrated, read from arrays with a checksum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.features import FACE_FEATURE_VERSION, NAMES
from assay.detector.models import CardedModel
from assay.detector.weights_file import SHIPPED, check_shape, read_arrays, save_arrays

DEFAULT_NAME = "faces-1"
_ARRAYS = ("mean", "scale", "weights", "bias", "threshold")
CLIP = 4.0


@dataclass(frozen=True)
class FaceModel(CardedModel):
    """A calibrated linear score of blending traces.

    Attributes:
        mean, scale: standardisation of the features, float64, d.
        weights, bias: calibrated log-odds of "blended" per standardised feature.
        threshold: log-odds above which faces of left-out sources that nobody touched lie at
            the rate the card states.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    threshold: float

    def log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Calibrated log-odds of "blended" at equal prior odds; features n x d, result n."""
        standardised = np.clip((features - self.mean) / self.scale, -CLIP, CLIP)
        result: NDArray[np.float64] = standardised @ self.weights + self.bias
        return result


def save(model: FaceModel, folder: str | Path) -> Path:
    """Write `<name>.npz` and the card `<name>.json` with its checksum; returns the card's path.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "mean": model.mean.astype(np.float32),
        "scale": model.scale.astype(np.float32),
        "weights": model.weights.astype(np.float32),
        "bias": np.array(model.bias),
        "threshold": np.array(model.threshold),
    }
    return save_arrays(model.card, arrays, folder)


def load(card_path: str | Path) -> FaceModel:
    """Read a model by the path of its card; the weights lie beside it.

    Raises:
        ConfigurationError: a file is missing or damaged, or belongs to other features.
    """
    card, arrays = read_arrays(
        card_path, _ARRAYS, retrain="assay train faces", feature_version=FACE_FEATURE_VERSION
    )
    check_shape(card_path, arrays["weights"], (len(NAMES),))
    return FaceModel(
        mean=arrays["mean"],
        scale=arrays["scale"],
        weights=arrays["weights"],
        bias=float(arrays["bias"]),
        threshold=float(arrays["threshold"]),
        card=card,
    )


@cache
def default_model() -> FaceModel:
    """The face model that ships with this release."""
    return load(SHIPPED / f"{DEFAULT_NAME}.json")

"""The face model: one linear score per face, calibrated, read from arrays with a checksum."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.features import FACE_FEATURE_VERSION, NAMES
from assay.detector.weights_file import save_weights
from assay.errors import ConfigurationError

DEFAULT_NAME = "faces-1"
_WEIGHTS = Path(__file__).parents[1] / "weights"
_ARRAYS = ("mean", "scale", "weights", "bias", "threshold")
CLIP = 4.0


@dataclass(frozen=True)
class FaceModel:
    """A calibrated linear score of blending traces.

    Attributes:
        mean, scale: standardisation of the features, float64, d.
        weights, bias: calibrated log-odds of "blended" per standardised feature.
        threshold: log-odds above which faces of left-out sources that nobody touched lie at
            the rate the card states.
        card: the model card, as published.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float
    threshold: float
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def version(self) -> str:
        return str(self.card["version"])

    @property
    def trustworthy(self) -> bool:
        """Whether left-out sources were told apart at all."""
        return bool(self.card["trustworthy"])

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
    return save_weights(model.name, model.card, arrays, folder)


def load(card_path: str | Path) -> FaceModel:
    """Read a model by the path of its card; the weights lie beside it.

    Raises:
        ConfigurationError: a file is missing or damaged, or belongs to other features.
    """
    card_path = Path(card_path)
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        data = card_path.with_suffix(".npz").read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"face model {card_path}: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.get("weights_sha256"):
        raise ConfigurationError(
            f"weights of {card_path.name}: sha256 {digest}, the card states "
            f"{card.get('weights_sha256')}",
            advice="reinstall assay, or train the model again with `assay train faces`",
        )
    if card.get("feature_version") != FACE_FEATURE_VERSION:
        raise ConfigurationError(
            f"face model {card_path.name}: features version {card.get('feature_version')}, "
            f"this release measures version {FACE_FEATURE_VERSION}",
            advice="train the model again with `assay train faces`",
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        if missing := [name for name in _ARRAYS if name not in archive]:
            raise ConfigurationError(f"face model {card_path.name}: no array {missing[0]!r}")
        arrays = {name: np.asarray(archive[name], np.float64) for name in _ARRAYS}
    if arrays["weights"].shape != (len(NAMES),):
        raise ConfigurationError(
            f"face model {card_path.name}: weights of shape {arrays['weights'].shape}, "
            f"expected {len(NAMES)} features"
        )
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
    return load(_WEIGHTS / f"{DEFAULT_NAME}.json")

"""A probe: a logistic head of ours on the frozen features of somebody else's backbone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.calibrated import FOREIGN_RENDITION
from assay.detector.hub.classifiers import Network, open_network
from assay.detector.models import CalibratedModel, Reading
from assay.detector.neutralisation import neutralise
from assay.detector.weights_file import read_arrays, save_arrays
from assay.errors import ConfigurationError

KIND = "logistic probe on frozen features"
_ARRAYS = ("mean", "scale", "weights", "bias")


@dataclass(frozen=True)
class Head:
    """Standardisation and weights: score = weights . (features - mean) / scale + bias."""

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: float

    def scores(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of features n x d."""
        found: NDArray[np.float64] = ((features - self.mean) / self.scale) @ self.weights
        return found + self.bias


@dataclass(frozen=True)
class ProbeModel(CalibratedModel):
    """A calibrated probe."""

    head: Head
    network: Network
    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes load the model themselves, once: networks are not sent."""
        return _load_once, (self.path,)

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        features = self.network.features(neutralise(pixels, FOREIGN_RENDITION))
        return self.calibrated(float(self.head.scores(features[None])[0]))


@lru_cache(maxsize=2)
def _load_once(card_path: Path) -> ProbeModel:
    return load(card_path)


def save(head: Head, card: dict[str, Any], folder: str | Path) -> Path:
    """Write `<name>.npz` and the card that states its checksum.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {
        "mean": head.mean,
        "scale": head.scale,
        "weights": head.weights,
        "bias": np.array(head.bias),
    }
    return save_arrays(card, arrays, folder)


def load(card_path: str | Path) -> ProbeModel:
    """Read a probe by the path of its card, and load the backbone that the card names.

    Raises:
        ConfigurationError: a file is missing or changed, or the backbone is not the one that
            the probe was trained on.
        MissingExtra: the backbone's library is not installed.
    """
    card, arrays = read_arrays(card_path, _ARRAYS, retrain="assay train probe")
    head = Head(arrays["mean"], arrays["scale"], arrays["weights"], float(arrays["bias"]))
    backbone = card["backbone"]
    network, record = open_network(backbone["reference"], backbone=True)
    if record.weights_sha256 != backbone["weights_sha256"]:
        raise ConfigurationError(
            f"{Path(card_path).name}: the backbone {record.reference} has other weights than the "
            "probe was trained on",
            advice="pin a revision, or train the probe again",
        )
    return ProbeModel(head, network, Path(card_path), card=card)

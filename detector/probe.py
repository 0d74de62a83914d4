"""A probe: a logistic head of ours on the frozen features of somebody else's backbone."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.calibrated import FOREIGN_RENDITION
from assay.detector.hub.classifiers import Network, open_network
from assay.detector.models import Component, Reading, objection_of
from assay.detector.neutralisation import neutralise
from assay.detector.weights_file import save_weights
from assay.errors import ConfigurationError

KIND = "logistic probe on frozen features"


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
class ProbeModel:
    """A calibrated probe."""

    head: Head
    network: Network
    card: dict[str, Any]
    path: Path

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes load the model themselves, once: networks are not sent."""
        return _load_once, (self.path,)

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def version(self) -> str:
        return str(self.card["version"])

    @property
    def threshold(self) -> float:
        return float(self.card["threshold"]["log_odds"])

    @property
    def stability(self) -> float:
        return float(self.card["threshold"]["stability_log_odds"])

    @property
    def objection(self) -> str:
        """Why this model may decide nothing; empty when it may."""
        return objection_of(self.card)

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        features = self.network.features(neutralise(pixels, FOREIGN_RENDITION))
        fitted = self.card["calibration"]
        score = float(self.head.scores(features[None])[0])
        value = fitted["slope"] * score + fitted["intercept"]
        return Reading(np.array([value]), (Component(self.name, self.version, value),))


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
    return save_weights(str(card["name"]), card, arrays, folder)


def load(card_path: str | Path) -> ProbeModel:
    """Read a probe by the path of its card, and load the backbone that the card names.

    Raises:
        ConfigurationError: a file is missing or changed, or the backbone is not the one that
            the probe was trained on.
        MissingExtra: the backbone's library is not installed.
    """
    card_path = Path(card_path)
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
        data = card_path.with_suffix(".npz").read_bytes()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"detector model {card_path}: {error}") from error
    if hashlib.sha256(data).hexdigest() != card.get("weights_sha256"):
        raise ConfigurationError(
            f"detector weights of {card_path.name}: not those that the card states",
            advice="train the probe again with `assay train probe`",
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        head = Head(archive["mean"], archive["scale"], archive["weights"], float(archive["bias"]))
    backbone = card["backbone"]
    network, record = open_network(backbone["reference"], backbone=True)
    if record.weights_sha256 != backbone["weights_sha256"]:
        raise ConfigurationError(
            f"{card_path.name}: the backbone {record.reference} has other weights than the probe "
            "was trained on",
            advice="pin a revision, or train the probe again",
        )
    return ProbeModel(head, network, card, card_path)

"""Several models as one: a weighted sum of their calibrated log-odds, calibrated again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.models import DetectorModel, Reading, objection_of
from assay.errors import ConfigurationError

KIND = "fusion"


@dataclass(frozen=True)
class Fusion:
    """A weighted sum of models.

    Attributes:
        parts: the models, in the order of the card.
        weights: one per model; the logistic fit of both on group-out scores gave them.
        card: the model card of the fusion, with calibration and thresholds.
    """

    parts: tuple[DetectorModel, ...]
    weights: tuple[float, ...]
    card: dict[str, Any]

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
        readings = [part.read(pixels) for part in self.parts]
        return self.combine(readings)

    def combine(self, readings: list[Reading]) -> Reading:
        """One reading from those of the parts; a committee's spread is kept."""
        fitted = self.card["calibration"]
        members: NDArray[np.float64] = np.zeros(1)
        for weight, reading in zip(self.weights, readings, strict=True):
            members = members + weight * reading.members
        return Reading(
            members=np.asarray(fitted["slope"] * members + fitted["intercept"], np.float64),
            components=tuple(part for reading in readings for part in reading.components),
            unlike_training=any(reading.unlike_training for reading in readings),
        )


def load_parts(card: dict[str, Any], folder: Path) -> list[Path]:
    """The cards of the parts, which lie beside the card of the fusion.

    Raises:
        ConfigurationError: the card names none, or a path outside its folder.
    """
    names = [str(part.get("card", "")) for part in card.get("parts", ())]
    if not names or any(Path(name).name != name for name in names):
        raise ConfigurationError(f"fusion {card.get('name')!r}: its parts are not beside it")
    return [folder / name for name in names]


def read_card(path: str | Path) -> dict[str, Any]:
    """A model card of any kind.

    Raises:
        ConfigurationError: it is missing or not a JSON object.
    """
    try:
        card = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"detector model {path}: {error}") from error
    if not isinstance(card, dict):
        raise ConfigurationError(f"detector model {path}: not a model card")
    return card

"""Several models as one: a weighted sum of their calibrated log-odds, calibrated again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.models import CalibratedModel, DetectorModel, Reading
from assay.errors import ConfigurationError

KIND = "fusion"


@dataclass(frozen=True)
class Fusion(CalibratedModel):
    """A weighted sum of models.

    Attributes:
        parts: the models, in the order of the card.
        weights: one per model; the logistic fit of both on group-out scores gave them.
    """

    parts: tuple[DetectorModel, ...]
    weights: tuple[float, ...]

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

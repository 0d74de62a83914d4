"""A foreign model as a detector: its own preprocessing, and a calibration made on this machine.

Without a calibration its scores are shown and decide nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.hub.classifiers import Network, open_network
from assay.detector.hub.labels import generated_outputs, log_odds
from assay.detector.hub.record import Record
from assay.detector.models import UNCALIBRATED, Component, Reading, objection_of
from assay.detector.neutralisation import Rendition, neutralise
from assay.errors import ConfigurationError
from assay.files import write_atomically
from assay.settings import settings

SCHEMA = "assay.detector-calibration/1"
# Foreign models bring their own size: they see the whole picture, at a field of view and a
# compression that both classes share. Calibration and scoring go through the same rendition.
FOREIGN_RENDITION = Rendition(long_side=1024, crop=1024, quality=90)


@dataclass(frozen=True)
class ForeignModel:
    """A classifier made by others.

    Attributes:
        network: the loaded classifier.
        record: what was loaded.
        generated: indices of the outputs that mean "generated".
        chosen: the labels that the user named for it; empty when they were recognised.
        calibration: the calibration file of exactly these weights; None without one.
    """

    network: Network
    record: Record
    generated: tuple[int, ...]
    chosen: tuple[str, ...] = ()
    calibration: dict[str, Any] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        """Other processes load the model themselves, once: networks are not sent."""
        return _load_once, (self.record.reference, self.chosen)

    @property
    def name(self) -> str:
        return self.record.reference

    @property
    def version(self) -> str:
        return self.record.revision[:12] or self.record.weights_sha256[:12]

    @property
    def card(self) -> dict[str, Any]:
        """The calibration file, or what is known without one."""
        return self.calibration or {
            "name": self.name,
            "version": self.version,
            "model": self.record.as_dict(),
            "trustworthy": False,
            "threshold": {},
        }

    @property
    def threshold(self) -> float:
        return self._limit("log_odds")

    @property
    def stability(self) -> float:
        return self._limit("stability_log_odds")

    @property
    def objection(self) -> str:
        """Why this model may decide nothing; empty when it may."""
        if self.calibration is None:
            return UNCALIBRATED
        return objection_of(self.calibration)

    def raw(self, pixels: NDArray[np.uint8]) -> float:
        """Log-odds of "generated" as the network itself states them."""
        return log_odds(self.network.logits(neutralise(pixels, FOREIGN_RENDITION)), self.generated)

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        fitted = self.card.get("calibration", {"slope": 1.0, "intercept": 0.0})
        value = fitted["slope"] * self.raw(pixels) + fitted["intercept"]
        return Reading(np.array([value]), (Component(self.name, self.version, value),))

    def _limit(self, key: str) -> float:
        limits = self.card["threshold"]
        return float(limits[key]) if key in limits else float("inf")


def load_foreign(
    reference: str, chosen: Sequence[str] = (), *, download: bool = False
) -> ForeignModel:
    """Load a foreign model and the calibration of its weights, if there is one.

    Args:
        reference: `hf:...`, `timm:...` or an ONNX file; see `hub.references.parse`.
        chosen: which outputs mean "generated"; default: those of the calibration, else what
            the names of the outputs say.
        download: fetch a hub model that is not on this machine yet.

    Raises:
        ConfigurationError: it cannot be loaded, or its outputs' names do not tell.
        MissingExtra: the library that loads it is not installed.
    """
    network, record = open_network(reference, download=download)
    calibration = read_calibration(record.weights_sha256)
    if calibration and not chosen:
        chosen = tuple(calibration["generated_labels"])
    elif calibration and tuple(chosen) != tuple(calibration["generated_labels"]):
        calibration = None
    generated = generated_outputs(network.labels, chosen)
    return ForeignModel(network, record, generated, tuple(chosen), calibration)


@lru_cache(maxsize=2)
def _load_once(reference: str, chosen: tuple[str, ...]) -> ForeignModel:
    return load_foreign(reference, chosen)


def calibration_path(weights_sha256: str) -> Path:
    """Where the calibration of a model with these weights is kept."""
    return settings().models_folder / f"{weights_sha256[:32]}.json"


def read_calibration(weights_sha256: str) -> dict[str, Any] | None:
    """The calibration of exactly these weights; None when there is none.

    Raises:
        ConfigurationError: the file is damaged or of other weights.
    """
    path = calibration_path(weights_sha256)
    if not path.exists():
        return None
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        known = document["schema"], document["model"]["weights_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path}: not a calibration ({error})", advice="delete it and run `assay calibrate`"
        ) from error
    if known != (SCHEMA, weights_sha256):
        raise ConfigurationError(
            f"{path}: a calibration of another model", advice="delete it and run `assay calibrate`"
        )
    return dict(document)


def write_calibration(document: dict[str, Any]) -> Path:
    """Keep a calibration for every later run.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return write_atomically(calibration_path(document["model"]["weights_sha256"]), text)

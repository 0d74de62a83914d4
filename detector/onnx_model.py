"""Detector B as it is served: an ONNX file run by ONNX Runtime, no PyTorch needed.

The card beside the file states its sha256. The session is made from the verified bytes, so
what was checked is what runs, and the file cannot refer to others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.crops import spread_crops
from assay.detector.models import Component, Reading, objection_of
from assay.detector.neutralisation import Rendition, neutralise
from assay.errors import ConfigurationError
from assay.settings import settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

KIND = "vision transformer with convolutional stem, ONNX"
# Larger files are refused before they are read; ours have a few megabytes.
MAX_BYTES = 1_000_000_000


@dataclass(frozen=True)
class OnnxModel:
    """A calibrated network.

    Attributes:
        data: the ONNX file. Its input is float32 n x 3 x 256 x 256, sRGB 0..255, its output n
            logits.
        card: the model card, as published; it holds calibration and thresholds.
    """

    data: bytes = field(repr=False)
    card: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def version(self) -> str:
        return str(self.card["version"])

    @property
    def rendition(self) -> Rendition:
        return Rendition(**self.card["rendition"])

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

    @cached_property
    def _session(self) -> InferenceSession:
        return open_session(self.data, self.name)

    def __getstate__(self) -> dict[str, Any]:
        """Without the session, which cannot be sent to another process."""
        return {"data": self.data, "card": self.card}

    def logit(self, pixels: NDArray[np.uint8]) -> float:
        """Mean logit over the crops of the standard rendition, before calibration."""
        crops = spread_crops(neutralise(pixels, self.rendition))
        outputs: Any = self._session.run(None, {self._session.get_inputs()[0].name: crops})
        return float(np.mean(outputs[0]))

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        calibration = self.card["calibration"]
        log_odds = calibration["slope"] * self.logit(pixels) + calibration["intercept"]
        return Reading(np.array([log_odds]), (Component(self.name, self.version, log_odds),))


def open_session(data: bytes, name: str) -> InferenceSession:
    """An ONNX Runtime session with the threads and providers of the settings.

    Raises:
        ConfigurationError: the bytes are no ONNX model, or a provider is not installed.
    """
    import onnxruntime

    wanted = settings().onnx_providers
    missing = set(wanted) - set(onnxruntime.get_available_providers())
    if missing:
        raise ConfigurationError(
            f"ONNX Runtime has no provider {sorted(missing)[0]!r} here",
            advice=f"ASSAY_ONNX_PROVIDERS may name {onnxruntime.get_available_providers()}",
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = settings().onnx_threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(data, options, providers=list(wanted))
    except Exception as error:  # ONNX Runtime's own exceptions have no common base
        first = str(error).splitlines()[0]
        raise ConfigurationError(f"detector model {name}: not usable as ONNX ({first})") from error


def load(card_path: str | Path) -> OnnxModel:
    """Read a model by the path of its card; the ONNX file lies beside it.

    Raises:
        ConfigurationError: a file is missing or too large, or the checksum differs.
    """
    card_path = Path(card_path)
    try:
        card = json.loads(card_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"detector model {card_path}: {error}") from error
    data = read_limited(card_path.with_suffix(".onnx"))
    digest = hashlib.sha256(data).hexdigest()
    if digest != card.get("weights_sha256"):
        raise ConfigurationError(
            f"detector weights of {card_path.name}: sha256 {digest}, the card states "
            f"{card.get('weights_sha256')}",
            advice="reinstall assay, or train the model again with `assay train vit`",
        )
    return OnnxModel(data=data, card=card)


def read_limited(path: Path) -> bytes:
    """The bytes of a model file.

    Raises:
        ConfigurationError: it is missing, or larger than `MAX_BYTES`.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigurationError(f"{path}: larger than {MAX_BYTES:,} bytes")
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error

"""Detector B as it is served: an ONNX file run by ONNX Runtime, no PyTorch needed.

The card beside the file states its sha256. The session is made from the verified bytes, so
what was checked is what runs, and the file cannot refer to others.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.crops import spread_crops
from assay.detector.models import CalibratedModel, Reading
from assay.detector.neutralisation import Rendition, neutralise
from assay.detector.weights_file import read_weights
from assay.errors import ConfigurationError
from assay.settings import settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

KIND = "vision transformer with convolutional stem, ONNX"


@dataclass(frozen=True)
class OnnxModel(CalibratedModel):
    """A calibrated network.

    Attributes:
        data: the ONNX file. Its input is float32 n x 3 x 256 x 256, sRGB 0..255, its output n
            logits.
    """

    data: bytes = field(repr=False)

    @property
    def rendition(self) -> Rendition:
        return Rendition(**self.card["rendition"])

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
        return self.calibrated(self.logit(pixels))


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
    card, data = read_weights(card_path, ".onnx", retrain="assay train vit")
    return OnnxModel(data=data, card=card)

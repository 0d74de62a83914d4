"""An ONNX classifier beside its `config.json` and `preprocessor_config.json`.

That is the layout in which exporters for transformers write. Needs the base install only.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.hub.preprocessing import Preprocessing
from assay.detector.hub.record import Record
from assay.detector.hub.weights import read_config
from assay.detector.onnx_model import open_session
from assay.detector.weights_file import read_limited
from assay.errors import ConfigurationError


@dataclass(frozen=True)
class OnnxClassifier:
    """One session with the preprocessing of its own configuration."""

    session: Any
    preprocessing: Preprocessing
    labels: tuple[str, ...]
    weights_sha256: str
    stated: dict[str, Any]
    architecture: str

    @classmethod
    def load(cls, path: Path) -> OnnxClassifier:
        """Load `path` with the configuration in its folder.

        Raises:
            ConfigurationError: a file is missing, or the graph does not take one picture.
        """
        data = read_limited(path)
        config = read_config(path.parent)
        stated = read_config(path.parent, "preprocessor_config.json")
        session = open_session(data, path.name)
        inputs = session.get_inputs()
        if len(inputs) != 1 or len(inputs[0].shape) != 4 or inputs[0].type != "tensor(float)":
            raise ConfigurationError(f"{path}: the network does not take one float32 N x 3 x H x W")
        names = config.get("id2label")
        if not isinstance(names, dict) or not names:
            raise ConfigurationError(f"{path.parent / 'config.json'}: no id2label")
        return cls(
            session=session,
            preprocessing=Preprocessing.from_config(stated),
            labels=tuple(str(names[key]) for key in sorted(names, key=int)),
            weights_sha256=hashlib.sha256(data).hexdigest(),
            stated=stated,
            architecture=str((config.get("architectures") or ["ONNX"])[0]),
        )

    def record(self, reference: str) -> Record:
        """What was loaded."""
        return Record(
            reference, "onnx", "", self.architecture, self.weights_sha256, dict(self.stated)
        )

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        inputs = {self.session.get_inputs()[0].name: self.preprocessing.apply(pixels)}
        try:
            outputs = self.session.run(None, inputs)
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            first = str(error).splitlines()[0]
            raise ConfigurationError(f"the ONNX network cannot take this input: {first}") from error
        return np.asarray(outputs[0], np.float64).reshape(-1)

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        raise ConfigurationError("an ONNX classifier has no features to probe")

"""Loading a foreign model, whatever made it, behind one small interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from assay.detector.hub.record import Record
from assay.detector.hub.references import Reference, folder_of, parse
from assay.errors import ConfigurationError, MissingExtra

Pixels = NDArray[np.uint8]


class Network(Protocol):
    """A loaded network with its own preprocessing."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Name of each output; empty for a backbone without a classifier."""
        ...

    def logits(self, pixels: Pixels) -> NDArray[np.float64]:
        """One value per output, for sRGB uint8 HxWx3 pixels."""
        ...

    def features(self, pixels: Pixels) -> NDArray[np.float32]:
        """Pooled features, d."""
        ...


def open_network(
    text: str, *, backbone: bool = False, download: bool = False
) -> tuple[Network, Record]:
    """Load a model by reference.

    Args:
        text: see `references.parse`.
        backbone: load it for its features, without a classifier.
        download: fetch a hub model that is not on this machine yet.

    Raises:
        ConfigurationError: it cannot be found or is not such a model.
        MissingExtra: the library that loads it is not installed.
    """
    reference = parse(text)
    if reference.library == "onnx":
        from assay.detector.hub.onnx_classifier import OnnxClassifier

        if backbone:
            raise ConfigurationError(
                f"{text}: a probe needs a transformers or timm backbone, not an ONNX file"
            )
        path = reference.path or Path(text)
        classifier = OnnxClassifier.load(path)
        return classifier, classifier.record(text)
    _require_torch()
    folder, revision = folder_of(reference, download=download)
    network, architecture, preprocessing, digest = _load(reference, folder, backbone)
    record = Record(text, reference.library, revision, architecture, digest, preprocessing)
    return network, record


def _load(
    reference: Reference, folder: Path, backbone: bool
) -> tuple[Network, str, dict[str, Any], str]:
    from assay.detector.hub.weights import digest_of, safetensors_of

    digest = digest_of(safetensors_of(folder))
    if reference.library == "timm":
        from assay.detector.hub.timm_network import TimmNetwork

        timm_network = TimmNetwork.load(folder, backbone=backbone)
        return timm_network, timm_network.architecture, timm_network.preprocessing, digest
    from assay.detector.hub.transformers_network import TransformersNetwork

    network = TransformersNetwork.load(folder, backbone=backbone)
    return network, network.architecture, network.preprocessing, digest


def _require_torch() -> None:
    from importlib.util import find_spec

    missing = [name for name in ("torch", "timm", "transformers") if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"hub models need {', '.join(missing)}", advice="pip install 'assay[models]'"
        )

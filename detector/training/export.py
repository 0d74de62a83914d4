"""From a trained network to the ONNX file that is served, checked against the network."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from assay.detector.crops import CROP, spread_crops
from assay.detector.onnx_model import open_session
from assay.detector.training.renditions import Rendered
from assay.detector.training.vit_model import VitDetector
from assay.errors import MissingExtra

# Logits of the exported file may differ from PyTorch's by this much.
TOLERANCE = 1e-3
# int8 is shipped if its scores keep the order: AUC between classes moves by at most this.
MOST_AUC_LOST = 0.002
_OPSET = 18


@dataclass(frozen=True)
class Exported:
    """An ONNX file and how far its scores are from the network's."""

    data: bytes
    precision: str
    worst_difference: float


def export(network: VitDetector, pictures: Sequence[Rendered]) -> Exported:
    """The network as fp32 ONNX.

    Args:
        network: in evaluation mode, on the CPU.
        pictures: some renditions to compare on.

    Raises:
        MissingExtra: the exporter's packages are not installed.
        RuntimeError: the exported file disagrees with the network.
    """
    example = torch.zeros(2, 3, CROP, CROP)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.onnx"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the exporter's own deprecations
                torch.onnx.export(
                    network,
                    (example,),
                    str(path),
                    input_names=["crops"],
                    output_names=["logits"],
                    dynamic_shapes=({0: torch.export.Dim("n", min=1, max=1024)},),
                    opset_version=_OPSET,
                    dynamo=True,
                    external_data=False,
                    verbose=False,
                )
        except ImportError as error:
            raise MissingExtra(
                f"exporting needs {error.name}", advice="pip install 'assay[models]'"
            ) from error
        data = _without_notes(path.read_bytes())
    worst = _worst_difference(network, data, pictures)
    if worst > TOLERANCE:
        raise RuntimeError(f"the exported network is off by {worst:.4f}")
    return Exported(data, "fp32", worst)


def quantise(exported: Exported, network: VitDetector, pictures: Sequence[Rendered]) -> Exported:
    """The same with int8 weights in its matrix products; activations are scaled as they come."""
    from onnxruntime.quantization import (  # type: ignore[import-untyped]
        QuantType,
        quantize_dynamic,
    )
    from onnxruntime.quantization.shape_inference import (  # type: ignore[import-untyped]
        quant_pre_process,
    )

    with tempfile.TemporaryDirectory() as folder:
        whole, source, target = (Path(folder) / f"{name}.onnx" for name in ("fp32", "pre", "int8"))
        whole.write_bytes(exported.data)
        quant_pre_process(whole, source, skip_symbolic_shape=True)
        quantize_dynamic(
            source, target, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"]
        )
        data = target.read_bytes()
    return Exported(data, "int8", _worst_difference(network, data, pictures))


def score_exported(exported: Exported, pictures: Sequence[Rendered]) -> NDArray[np.float64]:
    """Mean logit over the crops of each picture's standard rendition, n."""
    session = open_session(exported.data, "exported")
    found = [
        np.mean(np.asarray(session.run(None, {"crops": spread_crops(picture.view(0))})[0]))
        for picture in pictures
    ]
    return np.array(found, np.float64)


def _without_notes(data: bytes) -> bytes:
    """The graph without what the exporter noted beside it.

    It notes source lines with their paths, which are nobody's business, and inner shapes that
    contradict the quantiser's own inference.
    """
    import onnx

    model = onnx.load_model_from_string(data)
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    del model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.input, *model.graph.output):
        part.doc_string = ""
        del part.metadata_props[:]
    return bytes(model.SerializeToString())


def _worst_difference(network: VitDetector, data: bytes, pictures: Sequence[Rendered]) -> float:
    session = open_session(data, "exported")
    worst = 0.0
    for picture in pictures:
        crops = spread_crops(picture.view(0))
        with torch.inference_mode():
            expected = network(torch.from_numpy(crops)).numpy()
        found = np.asarray(session.run(None, {"crops": crops})[0])
        worst = max(worst, float(np.abs(found - expected).max()))
    return worst

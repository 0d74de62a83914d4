"""Detector benchmark: speed on one core, and peers measured under the same conditions.

    python tests/benchmarks/detector.py speed
    python tests/benchmarks/detector.py peer MANIFEST WEIGHTS.pth

`peer` scores a manifest with Tiny-LaDeDa (Cavia et al., arXiv 2406.09398; weights from its
authors' repository, licensed for research use, not distributed here) in the standard condition
of `assay evaluate`: long side 512, 320-px centre crop, JPEG 90. Weights are read without running
any code that they contain, and without PyTorch.
"""

from __future__ import annotations

import io
import pickle
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.families import family_of
from assay.datasets.manifests import read_manifest
from assay.detector import score
from assay.detector.evaluation.conditions import CONDITIONS
from assay.detector.evaluation.metrics import (
    auc_by_group,
    macro,
    rate_above,
    stratified_auc,
)
from assay.detector.training.corpus import MIN_LONG_SIDE, statistics_of
from assay.errors import InputRefused
from assay.media import Media

_EPSILON = 1e-5
_IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_IMAGENET_SPREAD = np.array([0.229, 0.224, 0.225], np.float32)
# The gradient along the falling diagonal that its authors use before the first layer.
_DIAGONAL = np.array([[0, 1, 2], [-1, 0, 1], [-2, -1, 0]], np.float32)
_DTYPES = {"FloatStorage": np.float32, "LongStorage": np.int64}


class _TensorReader(pickle.Unpickler):
    """Reads tensors of a PyTorch archive; every other global is refused."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._root = next(n for n in archive.namelist() if n.endswith("/data.pkl"))[:-8]
        super().__init__(io.BytesIO(archive.read(f"{self._root}data.pkl")))

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return dict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _DTYPES:
            return _DTYPES[name]
        raise pickle.UnpicklingError(f"refused: {module}.{name}")

    def persistent_load(self, reference: Any) -> NDArray[Any]:
        _, dtype, key, _, _ = reference
        return np.frombuffer(self._archive.read(f"{self._root}data/{key}"), dtype)


def _tensor(storage: NDArray[Any], offset: int, shape: tuple[int, ...], *_: object) -> NDArray[Any]:
    return storage[offset : offset + int(np.prod(shape))].reshape(shape)


class TinyLadeda:
    """Four convolutions on diagonal gradients, averaged over the picture."""

    def __init__(self, path: Path) -> None:
        with zipfile.ZipFile(path) as archive:
            self._state: dict[str, NDArray[Any]] = _TensorReader(archive).load()

    def log_odds(self, pixels: NDArray[np.uint8]) -> float:
        """Score of an sRGB uint8 HxWx3 picture; higher means generated."""
        values = (pixels.astype(np.float32) / 255 - _IMAGENET_MEAN) / _IMAGENET_SPREAD
        values = cv2.filter2D(values, -1, _DIAGONAL, borderType=cv2.BORDER_CONSTANT)
        values = self._convolve(values, "conv1")
        values = self._activate(self._convolve(values, "conv2"), "bn1")
        values = self._activate(self._convolve(values, "layer1.0.conv1"), "layer1.0.bn1")
        values = self._convolve(values, "layer1.0.conv2", stride=2)
        values = self._activate(values, "layer1.0.bn2")
        features = values.mean((0, 1))
        return float(features @ self._state["fc.weight"][0] + self._state["fc.bias"][0])

    def _convolve(
        self, values: NDArray[np.float32], name: str, stride: int = 1
    ) -> NDArray[np.float32]:
        kernel = self._state[f"{name}.weight"]
        side = kernel.shape[2]
        windows = np.lib.stride_tricks.sliding_window_view(values, (side, side), (0, 1))
        windows = windows[::stride, ::stride]
        return np.einsum("hwcij,ocij->hwo", windows, kernel, optimize=True)

    def _activate(self, values: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        state = self._state
        spread = np.sqrt(state[f"{name}.running_var"] + _EPSILON)
        normal = (values - state[f"{name}.running_mean"]) / spread
        return np.maximum(normal * state[f"{name}.weight"] + state[f"{name}.bias"], 0)


def speed(repetitions: int = 40) -> None:
    """Pictures a second of processor time, at the size of a delivered crop and of a photograph."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(0)
    for height, width in ((320, 320), (1024, 1024), (3000, 4000)):
        coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
        picture = np.asarray(cv2.resize(coarse, (width, height)), np.uint8)
        score(picture)
        started = time.process_time()
        for _ in range(repetitions):
            score(picture)
        rate = repetitions / (time.process_time() - started)
        print(f"{width} x {height}: {rate:.1f} pictures a second")


def peer(manifest: Path, weights: Path) -> None:
    """Macro AUC of Tiny-LaDeDa over generator families, overall and within contrast strata."""
    model = TinyLadeda(weights)
    scores, generated, groups, sources, contrast = [], [], [], [], []
    for row in read_manifest(manifest):
        try:
            pixels = Media.open(row.path, any_extension=True).pixels()
        except InputRefused as refusal:
            print(refusal, file=sys.stderr)
            continue
        if max(pixels.shape[:2]) < MIN_LONG_SIDE:
            continue
        presented = CONDITIONS["standard"](pixels)
        scores.append(model.log_odds(presented))
        generated.append(row.generated)
        groups.append(family_of(row.generator))
        sources.append(row.source)
        contrast.append(statistics_of(presented)[0])
    values, fakes, families = np.array(scores), np.array(generated), np.array(groups)
    by_family = auc_by_group(values, fakes, families)
    names = np.array(sources)
    worst = max(
        rate_above(values[~fakes & (names == name)], 0.0) for name in np.unique(names[~fakes])
    )
    print(f"pictures                 {len(values)}")
    print(f"macro AUC                {macro(by_family):.3f}")
    print(f"within contrast strata   {stratified_auc(values, fakes, np.array(contrast)):.3f}")
    print(f"false positives at 0.5   {rate_above(values[~fakes], 0.0):.3f}, worst {worst:.3f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["peer"]:
        peer(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        speed()

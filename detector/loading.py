"""Any model by its name: a card of ours, an ONNX file, a checkpoint, or the one that ships."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from assay.detector import linear, onnx_model
from assay.detector.fusion import KIND as FUSION
from assay.detector.fusion import Fusion, load_parts
from assay.detector.linear import LinearModel
from assay.detector.models import DetectorModel
from assay.detector.probe import KIND as PROBE
from assay.detector.weights_file import SHIPPED, read_card
from assay.errors import ConfigurationError
from assay.settings import settings

# The card that is used when nothing else is asked for.
DEFAULT_CARD = "frequency-1.json"


def load_model(reference: str | Path | None = None, *, download: bool = False) -> DetectorModel:
    """The model that a reference names.

    Args:
        reference: path of a model card, an ONNX file, `hf:...` or `timm:...`; default: the
            setting `detector_model`, else the model that ships.
        download: fetch a hub model that is not on this machine yet; otherwise no connection is
            opened.

    Raises:
        ConfigurationError: it cannot be loaded.
        MissingExtra: it needs an optional part of Assay.
    """
    text = str(reference or settings().detector_model or SHIPPED / DEFAULT_CARD)
    return _load(text, settings().models_folder, download)


@lru_cache(maxsize=4)
def _load(text: str, models_folder: Path, download: bool) -> DetectorModel:
    # The folder of calibrations is part of the key: another home has other calibrations.
    del models_folder
    if text.startswith(("hf:", "timm:")) or _is_foreign_onnx(text):
        from assay.detector.calibrated import load_foreign

        return load_foreign(text, download=download)
    path = Path(text)
    return _from_card(path.with_suffix(".json") if path.suffix == ".onnx" else path)


def forget() -> None:
    """Drop models that were loaded before, after a calibration was written."""
    _load.cache_clear()


def linear_part(model: DetectorModel) -> LinearModel:
    """The model, or the part of it, that works by place and by feature group.

    Raises:
        ConfigurationError: no part does.
    """
    for part in model.parts if isinstance(model, Fusion) else (model,):
        if isinstance(part, LinearModel):
            return part
    raise ConfigurationError(
        f"{model.name} gives no map by place", advice="use the shipped model for explanations"
    )


def _is_foreign_onnx(text: str) -> bool:
    """An ONNX file without a card of ours beside it."""
    return text.lower().endswith(".onnx") and not Path(text).with_suffix(".json").exists()


def _from_card(path: Path) -> DetectorModel:
    card = read_card(path)
    kind = card.get("kind")
    if kind == FUSION:
        parts = tuple(_from_card(part) for part in load_parts(card, path.parent))
        weights = tuple(float(part["weight"]) for part in card["parts"])
        return Fusion(parts=parts, weights=weights, card=card)
    if kind == onnx_model.KIND:
        return onnx_model.load(path)
    if kind == PROBE:
        from assay.detector.probe import load as load_probe

        return load_probe(path)
    if kind == linear.KIND:
        return linear.load(path)
    raise ConfigurationError(f"detector model {path}: unknown kind {kind!r}")

"""timm checkpoints: a folder with `config.json` and `model.safetensors`, as the hub holds them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from numpy.typing import NDArray
from PIL import Image
from safetensors.torch import load_file
from timm.data import create_transform, resolve_data_config

from assay.detector.hub.weights import read_config, safetensors_of
from assay.errors import ConfigurationError

# Arguments of `timm.create_model` that make it load something.
_LOADING = frozenset(
    {"pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "checkpoint_path", "cache_dir"}
)


@dataclass(frozen=True)
class TimmNetwork:
    """A timm model with the transform of its own configuration."""

    network: Any
    transform: Any
    labels: tuple[str, ...]
    architecture: str
    preprocessing: dict[str, Any]

    @classmethod
    def load(cls, folder: Path, *, backbone: bool) -> TimmNetwork:
        """Load a checkpoint folder; `backbone` leaves the classifier out.

        Raises:
            ConfigurationError: the folder is not a timm checkpoint.
        """
        config = read_config(folder)
        pretrained = config.get("pretrained_cfg") or {}
        architecture = str(config.get("architecture", ""))
        classes = int(config.get("num_classes", pretrained.get("num_classes", 0)))
        arguments = {"num_classes": classes, **(config.get("model_args") or {})}
        _refuse_loading_elsewhere(architecture, arguments, folder)
        try:
            network = timm.create_model(architecture, pretrained=False, **arguments)
            network.load_state_dict(_tensors(folder), strict=True)
            data = resolve_data_config(pretrained_cfg=pretrained, model=network)
            transform = create_transform(**data, is_training=False)
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            raise ConfigurationError(
                f"{folder}: not a timm checkpoint ({str(error).splitlines()[0]})"
            ) from error
        if backbone:
            network.reset_classifier(0)
        return cls(
            network=network.eval(),
            transform=transform,
            labels=() if backbone else _labels(config, pretrained, classes),
            architecture=architecture,
            preprocessing={key: _plain(value) for key, value in data.items()},
        )

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        return np.asarray(self._run(pixels), np.float64)

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(self._run(pixels), np.float32)

    def _run(self, pixels: NDArray[np.uint8]) -> Any:
        prepared = self.transform(Image.fromarray(pixels))[None]
        with torch.inference_mode():
            return self.network(prepared)[0].float().numpy()


def _refuse_loading_elsewhere(architecture: str, arguments: dict[str, Any], folder: Path) -> None:
    """A configuration describes a network; it may not name other files or hosts to load from."""
    if not timm.is_model(architecture) or ":" in architecture:
        raise ConfigurationError(f"{folder}: not a timm checkpoint (no model {architecture!r})")
    if named := sorted(_LOADING & arguments.keys()):
        raise ConfigurationError(
            f"{folder}: not a timm checkpoint that is loaded here (its model_args set {named[0]})"
        )


def _tensors(folder: Path) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = {}
    for file in safetensors_of(folder):
        tensors |= load_file(file)
    return tensors


def _labels(config: dict[str, Any], pretrained: dict[str, Any], classes: int) -> tuple[str, ...]:
    names = config.get("label_names") or pretrained.get("label_names")
    if isinstance(names, list) and len(names) == classes:
        return tuple(str(name) for name in names)
    return tuple(f"LABEL_{number}" for number in range(classes))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value

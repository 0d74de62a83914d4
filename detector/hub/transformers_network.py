"""transformers checkpoints for image classification: ViT, SigLIP, DINOv2, ConvNeXt and others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from transformers import AutoImageProcessor, AutoModel, AutoModelForImageClassification

from assay.detector.hub.weights import read_config
from assay.errors import ConfigurationError


@dataclass(frozen=True)
class TransformersNetwork:
    """A transformers model with its own image processor."""

    network: Any
    processor: Any
    labels: tuple[str, ...]
    architecture: str
    preprocessing: dict[str, Any]

    @classmethod
    def load(cls, folder: Path, *, backbone: bool) -> TransformersNetwork:
        """Load a checkpoint folder; code that a checkpoint brings along is never run.

        Raises:
            ConfigurationError: the folder is not such a checkpoint.
        """
        preprocessing = read_config(folder, "preprocessor_config.json")
        kind = AutoModel if backbone else AutoModelForImageClassification
        try:
            network, report = kind.from_pretrained(
                folder,
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                output_loading_info=True,
            )
            processor = AutoImageProcessor.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
        except (OSError, ValueError, RuntimeError, KeyError, TypeError, ImportError) as error:
            raise ConfigurationError(
                f"{folder}: not a transformers checkpoint ({str(error).splitlines()[0]})"
            ) from error
        missing = sorted(report["missing_keys"])
        if missing and not backbone:
            raise ConfigurationError(
                f"{folder}: the checkpoint lacks {missing[0]}; its classifier was never trained"
            )
        names = {} if backbone else network.config.id2label
        return cls(
            network=network.eval(),
            processor=processor,
            labels=tuple(str(names[number]) for number in sorted(names)),
            architecture=type(network).__name__,
            preprocessing=preprocessing,
        )

    def logits(self, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        with torch.inference_mode():
            outputs = self.network(**self._prepared(pixels))
        return np.asarray(outputs.logits[0].float().numpy(), np.float64)

    def features(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        prepared = self._prepared(pixels)
        with torch.inference_mode():
            network = getattr(self.network, "vision_model", self.network)
            outputs = network(**prepared)
        pooled = getattr(outputs, "pooler_output", None)
        if pooled is None:
            pooled = outputs.last_hidden_state.mean(1)
        return np.asarray(pooled[0].float().numpy().ravel(), np.float32)

    def _prepared(self, pixels: NDArray[np.uint8]) -> dict[str, torch.Tensor]:
        prepared = self.processor(images=Image.fromarray(pixels), return_tensors="pt")
        return {"pixel_values": prepared["pixel_values"]}

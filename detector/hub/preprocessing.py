"""The preprocessing that a `preprocessor_config.json` states, without transformers.

Only for ONNX files: checkpoints of transformers and timm are preprocessed by their own library.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.errors import ConfigurationError

_BICUBIC = int(Image.Resampling.BICUBIC)
_MOST_SIDE = 4096


@dataclass(frozen=True)
class Preprocessing:
    """Resize, centre crop, scale and normalise, in this order.

    Attributes:
        shortest_edge: resize the shorter side to this; None to resize to `size` exactly.
        size: height and width of the network's input.
        resample: Pillow's number of the filter.
        factor: grey levels are multiplied by it.
        mean, std: per channel, of the scaled values.
    """

    shortest_edge: int | None
    size: tuple[int, int]
    resample: int = _BICUBIC
    factor: float = 1 / 255
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Preprocessing:
        """Read the fields that image processors of transformers write.

        Raises:
            ConfigurationError: no size, or one that cannot be used.
        """
        size = config.get("size")
        size = {"height": size, "width": size} if isinstance(size, int) else size or {}
        crop = config.get("crop_size") if config.get("do_center_crop") else None
        crop = {"height": crop, "width": crop} if isinstance(crop, int) else crop
        shortest = size.get("shortest_edge")
        final = crop or size
        try:
            target = (int(final["height"]), int(final["width"]))
        except (KeyError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"preprocessor_config.json: no height and width in {final}"
            ) from error
        if not all(0 < side <= _MOST_SIDE for side in (*target, shortest or 1)):
            raise ConfigurationError(f"preprocessor_config.json: size {target} cannot be used")
        normalise = config.get("do_normalize", True)
        return cls(
            shortest_edge=int(shortest) if shortest else None,
            size=target,
            resample=int(config.get("resample", _BICUBIC)),
            factor=float(config.get("rescale_factor", 1 / 255)),
            mean=tuple(config.get("image_mean", cls.mean)) if normalise else cls.mean,
            std=tuple(config.get("image_std", cls.std)) if normalise else cls.std,
        )

    def apply(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """sRGB uint8 HxWx3 to float32 1 x 3 x height x width."""
        picture = Image.fromarray(pixels)
        height, width = self.size
        resample = Image.Resampling(self.resample)
        if self.shortest_edge:
            scale = self.shortest_edge / min(picture.size)
            grown = [
                max(side, round(length * scale))
                for side, length in zip((width, height), picture.size, strict=True)
            ]
            picture = picture.resize((grown[0], grown[1]), resample)
            left, top = (grown[0] - width) // 2, (grown[1] - height) // 2
            picture = picture.crop((left, top, left + width, top + height))
        else:
            picture = picture.resize((width, height), resample)
        values = np.asarray(picture, np.float32) * self.factor
        mean, deviation = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        normalised = ((values - mean) / deviation).transpose(2, 0, 1)[None]
        return np.ascontiguousarray(normalised, dtype=np.float32)

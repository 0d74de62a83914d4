"""All feature groups of a picture as one vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.detector.features import (
    blocks,
    colour,
    naturalness,
    neighbours,
    residuals,
    spectrum,
)
from assay.detector.features.tiling import TILE, TiledPicture

# A change of any formula raises this; a model names the version it was trained on.
FEATURE_VERSION = 1

_MODULES = {
    "spectrum": spectrum,
    "residuals": residuals,
    "neighbours": neighbours,
    "blocks": blocks,
    "colour": colour,
    "naturalness": naturalness,
}

NAMES: tuple[str, ...] = tuple(
    f"{group}/{name}" for group, module in _MODULES.items() for name in module.NAMES
)
"""Name of each feature, `group/name`, in the order of the vector."""

GROUPS: tuple[str, ...] = tuple(name.split("/")[0] for name in NAMES)
"""Group of each feature, in the order of the vector."""


def extract(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The features of a neutralised picture: the mean over its tiles.

    Args:
        pixels: sRGB uint8, HxWx3, as `neutralise` gives it.

    Returns:
        float32, len(NAMES), finite.
    """
    values: NDArray[np.float32] = extract_tiles(pixels)[0].mean(0)
    return values


def extract_tiles(
    pixels: NDArray[np.uint8], stride: int = TILE
) -> tuple[NDArray[np.float32], tuple[int, int]]:
    """The features of every tile.

    Args:
        pixels: sRGB uint8, HxWx3.
        stride: distance between tiles, pixels; a multiple of 8 keeps the DCT grid.

    Returns:
        float32, n x len(NAMES), and the number of tiles down and across.
    """
    picture = TiledPicture.of(pixels, stride)
    values = np.concatenate([module.measure(picture) for module in _MODULES.values()], 1)
    return np.nan_to_num(values, nan=0.0, posinf=20.0, neginf=-20.0), picture.grid

"""Where in a picture the frequency model finds what it looks for."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features import extract_tiles
from assay.detector.linear import LinearModel
from assay.detector.neutralisation import compress, reduce

# Half a tile: smooth enough for a picture, four times the cost of one score.
_STRIDE = 80
# Log-odds at which the colours of an overlay saturate.
_SATURATION = 3.0


def heatmap(
    pixels: NDArray[np.uint8], model: LinearModel, *, size: tuple[int, int] | None = None
) -> NDArray[np.float32]:
    """Log-odds of "generated" by place.

    The linear half of the score is the mean over tiles of 160 px in the standard rendition, so
    each tile has a score of its own; the map shows them at half-tile steps over the whole field of
    view. It shows where the model found what it looks for, not which part was edited.

    Args:
        pixels: sRGB uint8, HxWx3.
        model: the model that scored it.
        size: height and width of the map in pixels; default: the picture's.

    Returns:
        float32, HxW.
    """
    height, width = size or pixels.shape[:2]
    grown = cv2.resize(_places(pixels, model), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown, np.float32)


def overlay(pixels: NDArray[np.uint8], log_odds: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture in grey under a blue (camera-like) to red (generated-like) map, uint8 HxWx3."""
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = np.clip(log_odds / _SATURATION, -1, 1)[..., None]
    colour = np.where(share > 0, np.array([214, 39, 40]), np.array([31, 119, 180]))
    alpha = 0.65 * np.abs(share)
    return np.asarray(np.clip(grey * (1 - alpha) + colour * alpha, 0, 255), np.uint8)


def _places(pixels: NDArray[np.uint8], model: LinearModel) -> NDArray[np.float32]:
    """Log-odds of each place, rows x columns."""
    rendition = model.rendition
    whole = compress(reduce(pixels, rendition.long_side), rendition.quality)
    tiles, grid = extract_tiles(whole, _STRIDE)
    return np.asarray(model.by_place(tiles).reshape(grid), np.float32)

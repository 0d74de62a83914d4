"""Pictures that explain a score: where it comes from and how the spectrum compares."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.features import extract_tiles
from assay.detector.features.spectrum import RADIAL_BINS, power, radial_profile, residual
from assay.detector.features.tiling import TiledPicture
from assay.detector.linear import LinearModel
from assay.detector.neutralisation import compress, neutralise, reduce

# Half a tile: smooth enough for a picture, four times the cost of one score.
_STRIDE = 80
# Log-odds at which the colours of an overlay saturate.
_SATURATION = 3.0


def heatmap(pixels: NDArray[np.uint8], model: LinearModel) -> NDArray[np.float32]:
    """Log-odds of "generated" by place.

    The score of a picture is the mean over tiles of 160 px in the standard rendition, so each
    tile has a score of its own; the map shows them at half-tile steps over the whole field of
    view. It shows where the model found what it looks for, not which part was edited.

    Args:
        pixels: sRGB uint8, HxWx3.
        model: the model that scored it.

    Returns:
        float32, HxW.
    """
    rendition = model.rendition
    whole = compress(reduce(pixels, rendition.long_side), rendition.quality)
    tiles, grid = extract_tiles(whole, _STRIDE)
    scores = model.members(tiles).mean(1).reshape(grid).astype(np.float32)
    height, width = pixels.shape[:2]
    grown = cv2.resize(scores, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(grown, np.float32)


def overlay(pixels: NDArray[np.uint8], log_odds: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The picture in grey under a blue (camera-like) to red (generated-like) map, uint8 HxWx3."""
    grey = cv2.cvtColor(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    share = np.clip(log_odds / _SATURATION, -1, 1)[..., None]
    colour = np.where(share > 0, np.array([214, 39, 40]), np.array([31, 119, 180]))
    alpha = 0.65 * np.abs(share)
    return np.asarray(np.clip(grey * (1 - alpha) + colour * alpha, 0, 255), np.uint8)


def radial_spectrum(
    pixels: NDArray[np.uint8], model: LinearModel
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """The radial spectrum of the residual against the band of real pictures.

    Returns:
        Frequencies in cycles per pixel of the standard rendition, the picture's mean log power
        relative to its own mean, and, where the model's card has it, the 5th and 95th
        percentile of real training pictures as 2 x n.
    """
    picture = TiledPicture.of(neutralise(pixels, model.rendition))
    profile = radial_profile(power(residual(picture)))[:, 1:].mean(0)
    frequencies = (np.arange(1, RADIAL_BINS) + 0.5) / RADIAL_BINS * 0.5
    band = model.card.get("real_spectrum_band")
    return frequencies, profile - profile.mean(), None if band is None else np.array(band)

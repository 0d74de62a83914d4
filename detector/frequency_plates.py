"""What the frequency model can show of a picture: where, at which frequencies, and how oddly."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.detector.drawing import LONG_SIDE, outlined, picture_png, spectrum_png
from assay.detector.features.spectrum import RADIAL_BINS, power, radial_profile, residual
from assay.detector.features.tiling import TiledPicture
from assay.detector.heatmap import heatmap, overlay
from assay.detector.linear import LinearModel
from assay.detector.localisation import Region
from assay.detector.neutralisation import neutralise, reduce
from assay.detector.plates import Plate


def heatmap_plate(pixels: NDArray[np.uint8], model: LinearModel) -> Plate:
    """The map over the picture, reduced to a report's size."""
    small = reduce(pixels, LONG_SIDE)
    return Plate(
        "heatmap",
        "Where the score comes from",
        "Red places resemble generated pictures, blue ones photographs, untinted ones neither; "
        "half of the frequency model's score is the mean over such places in the middle of the "
        "picture. The map does not show which part was edited.",
        picture_png(overlay(small, heatmap(pixels, model, size=small.shape[:2]))),
    )


def spectrum_plate(pixels: NDArray[np.uint8], model: LinearModel) -> Plate:
    """The radial spectrum beside that of real pictures."""
    frequencies, profile, band = radial_spectrum(pixels, model)
    return Plate(
        "spectrum",
        "Spectrum against real pictures",
        "How much fine detail the picture has at each frequency; nine of ten real pictures of "
        "the training set lie inside the band at each frequency. Blur, sharpening, noise "
        "reduction and enlargement leave the band as well as generation does, and most generated "
        "pictures stay inside it.",
        spectrum_png(frequencies, profile, band),
    )


def region_plate(pixels: NDArray[np.uint8], region: Region) -> Plate:
    """The picture with a frame around what is least like the rest of it."""
    share = f"{max(1, round(100 * region.rarity))} %"
    return Plate(
        "odd-region",
        "Region least like the rest",
        "Inside the frame the frequency model finds more of what it looks for than around it, as "
        f"much as in {share} of untouched photographs. With generators and photographs it had "
        "not seen, it ranked a photograph with a generated part above an untouched one in 67 % of "
        "pairs, and half of the frames were roughly right; pasted photographs it does not find.",
        picture_png(outlined(pixels, region.box)),
        exploratory=True,
    )


def radial_spectrum(
    pixels: NDArray[np.uint8], model: LinearModel
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """The radial spectrum of the residual against the band of real pictures.

    The band is part of the model card: `assay train` measures it on the real pictures of its
    manifest, in the standard rendition.

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

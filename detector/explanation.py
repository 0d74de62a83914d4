"""What stands behind a score: words, a map, a spectrum, and maps to look at with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.detector.drawing import coloured, outlined, picture_png, spectrum_png
from assay.detector.exploratory import exploratory_maps
from assay.detector.features.spectrum import RADIAL_BINS, power, radial_profile, residual
from assay.detector.features.tiling import TiledPicture
from assay.detector.heatmap import heatmap_plate
from assay.detector.linear import LinearModel
from assay.detector.loading import linear_part
from assay.detector.localisation import Region, locate
from assay.detector.models import DetectorModel
from assay.detector.neutralisation import neutralise
from assay.detector.plates import Explanation, Plate
from assay.detector.scoring import Score, score
from assay.detector.video.explaining import explain_video
from assay.detector.video.sampling import is_moving
from assay.errors import ConfigurationError
from assay.media import Media

# Contributions below this many log-odds are not worth a sentence.
_WORTH_SAYING = 0.05
_TOP_GROUPS = 3
# A region is drawn when at most this share of untouched photographs has one like it.
_RARE = 0.1

GROUP_WORDS = {
    "spectrum": "how detail is spread over frequencies",
    "residuals": "how prediction errors of neighbouring pixels go together",
    "neighbours": "patterns among adjacent pixels",
    "blocks": "statistics of 8x8 blocks",
    "colour": "how the colour channels agree",
    "naturalness": "statistics that natural scenes share",
}
"""Feature groups in the words of a reader."""


def explain(
    source: NDArray[np.uint8] | str | Path | Media, *, model: DetectorModel | None = None
) -> Explanation:
    """Explain the score of one picture, or of the sampled frames of a video.

    Args:
        source: as `score` takes it.
        model: default: the one that `score` uses.

    Raises:
        InputRefused: as `score`.
        ConfigurationError: the model's files are damaged.
    """
    media = _media(source)
    if is_moving(media):
        return explain_video(media, model)
    result = score(media, model=model)
    pixels = media.pixels()
    plates = _own_plates(pixels, result)
    plates += [
        Plate(
            item.name,
            item.title,
            item.caption,
            picture_png(coloured(item.values, item.low, item.high)),
            exploratory=True,
        )
        for item in exploratory_maps(media)
    ]
    return Explanation(result, tuple(reasons(result)), tuple(plates))


def maps(media: Media) -> dict[str, bytes]:
    """PNG by name of everything `explain` draws."""
    return explain(media).maps


def reasons(result: Score) -> list[str]:
    """A sentence for each of the feature groups that weighed most, heaviest first."""
    found = []
    for part in result.components:
        weighed = sorted(part.contributions.items(), key=lambda item: -abs(item[1]))
        for group, value in weighed[:_TOP_GROUPS]:
            if abs(value) >= _WORTH_SAYING:
                direction = "for generation" if value > 0 else "against generation"
                words = GROUP_WORDS.get(group, group)
                found.append(f"{words.capitalize()}: {direction}, {value:+.2f} log-odds.")
    return found


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


def _own_plates(pixels: NDArray[np.uint8], result: Score) -> list[Plate]:
    """What the frequency model can show; nothing when it took no part in the score."""
    try:
        linear = linear_part(result.model)
    except ConfigurationError:
        return []
    plates = [heatmap_plate(pixels, linear), _spectrum_plate(pixels, linear)]
    region = locate(pixels, linear)
    if region and region.rarity <= _RARE:
        plates.append(_region_plate(pixels, region))
    return plates


def _media(source: NDArray[np.uint8] | str | Path | Media) -> Media:
    if isinstance(source, Media):
        return source
    if isinstance(source, np.ndarray):
        from assay.detector.neutralisation import check_pixels
        from assay.encoding import encode_png

        check_pixels(source)
        return Media.from_bytes(encode_png(source))
    return Media.open(source)


def _spectrum_plate(pixels: NDArray[np.uint8], model: LinearModel) -> Plate:
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


def _region_plate(pixels: NDArray[np.uint8], region: Region) -> Plate:
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

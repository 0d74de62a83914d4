"""What stands behind a score: words, a map, a spectrum, and maps to look at with care."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.detector.drawing import coloured, picture_png
from assay.detector.exploratory import exploratory_maps
from assay.detector.frequency_plates import heatmap_plate, region_plate, spectrum_plate
from assay.detector.loading import linear_part
from assay.detector.localisation import locate
from assay.detector.models import DetectorModel
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


def _own_plates(pixels: NDArray[np.uint8], result: Score) -> list[Plate]:
    """What the frequency model can show; nothing when it took no part in the score."""
    try:
        linear = linear_part(result.model)
    except ConfigurationError:
        return []
    plates = [heatmap_plate(pixels, linear), spectrum_plate(pixels, linear)]
    region = locate(pixels, linear)
    if region and region.rarity <= _RARE:
        plates.append(region_plate(pixels, region))
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

"""Skin tone in three coarse bins, as an interval over light and box placement.

A single picture does not determine a tone: half a stop of exposure moves most faces by a
swatch. So every reading is repeated under changed exposure and shifted boxes, and a bin is
named only when all of them fall into it. This is the colour of pixels, never race.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.extending import Observation
from assay.reports.annotators.color import nearest_monk, to_lab, typology_angle

Box = tuple[int, int, int, int]

ATTRIBUTE = "skin tone"
BINS = {"lighter (Monk 1-4)": 4, "medium (Monk 5-6)": 6, "darker (Monk 7-10)": 10}
"""Bins by their darkest swatch. The widest gap of the scale lies between 5 and 6."""

EXPOSURES = (-0.5, 0.0, 0.5)  # stops: the spread of ordinary auto-exposure
JITTER = 0.05  # of the box side: how far two face detectors disagree
FEWEST_PIXELS = 60
LARGEST_DIFFERENCE = 25.0  # CIEDE2000; measured skin lies within 18 of its nearest swatch
LARGEST_SPREAD = 18.0  # standard deviation of L* inside the patches: hard shadow


@dataclass(frozen=True)
class ToneReading:
    """One face.

    Attributes:
        monk: nearest swatch 1..10 as the picture is.
        interval: lowest and highest swatch under changed exposure and shifted boxes.
        angle: individual typology angle in degrees, as the picture is.
        value: a key of `BINS`, or "unclear".
        reason: why it is unclear, or None.
    """

    monk: int | None
    interval: tuple[int, int] | None
    angle: float | None
    value: str
    reason: str | None


class SkinToneAnnotator:
    """Reads the tone of the largest face of a picture."""

    name = "skin-tone"
    version = "1"

    def annotate(
        self, image: NDArray[np.uint8], boxes: Sequence[Box] | None = None
    ) -> list[Observation]:
        """One observation of `ATTRIBUTE`; "no-face" without boxes."""
        if not boxes:
            return [Observation(ATTRIBUTE, "no-face", self.name, reason="no face box")]
        box = max(boxes, key=lambda b: (b[2] - b[0]) * (b[3] - b[1]))
        reading = read_tone(image, box)
        span = reading.interval and "Monk {} to {}".format(*reading.interval)
        return [
            Observation(ATTRIBUTE, reading.value, self.name, box=box, reason=reading.reason or span)
        ]


def read_tone(image: NDArray[np.uint8], box: Box) -> ToneReading:
    """The tone of a face.

    Args:
        image: upright sRGB uint8 HxWx3.
        box: (left, top, right, bottom) in pixels.
    """
    base = _skin(image, box)
    if isinstance(base, str):
        return ToneReading(None, None, None, "unclear", base)
    monk, _ = nearest_monk(base)
    tones = [monk]
    for shifted in _boxes(box):
        for stops in EXPOSURES:
            lab = _skin(image, shifted, stops)
            if not isinstance(lab, str):
                tones.append(nearest_monk(lab)[0])
    low, high = min(tones), max(tones)
    value = bin_of(low)
    reason = None
    if bin_of(high) != value:
        value, reason = "unclear", f"Monk {low} to {high}, depending on light and box"
    return ToneReading(monk, (low, high), typology_angle(base), value, reason)


def bin_of(monk: int) -> str:
    """The bin of a swatch 1..10."""
    return next(name for name, darkest in BINS.items() if monk <= darkest)


def _boxes(box: Box) -> list[Box]:
    """The box, and moved by a twentieth of its side in four directions."""
    left, top, right, bottom = box
    dx, dy = round((right - left) * JITTER), round((bottom - top) * JITTER)
    moves = ((0, 0), (dx, 0), (-dx, 0), (0, dy), (0, -dy))
    return [(left + x, top + y, right + x, bottom + y) for x, y in moves]


def _skin(image: NDArray[np.uint8], box: Box, stops: float = 0.0) -> NDArray[np.float64] | str:
    """Median CIELAB of cheeks and forehead, or why there is none."""
    left, top, right, bottom = box
    face = image[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    height, width = face.shape[:2]
    if height < 8 or width < 8:
        return "the face box is too small or outside the picture"
    pixels = face[_cheeks_and_forehead(height, width)]
    if len(pixels) < FEWEST_PIXELS:
        return "too few skin pixels"
    lab = to_lab(expose(pixels, stops) if stops else pixels)
    low, high = np.percentile(lab[:, 0], [15, 85])
    kept = lab[(lab[:, 0] >= low) & (lab[:, 0] <= high)]
    if float(kept[:, 0].std()) > LARGEST_SPREAD:
        return "hard shadow on the face"
    median: NDArray[np.float64] = np.median(kept, axis=0)
    if median[2] <= 0 or abs(typology_angle(median)) > 90:
        return "the patches are not skin-coloured"
    if nearest_monk(median)[1] > LARGEST_DIFFERENCE:
        return "the patches are far from every swatch"
    return median


def _cheeks_and_forehead(height: int, width: int) -> NDArray[np.bool_]:
    """Parts of a frontal face box without hair, eyes and mouth."""
    y, x = np.mgrid[0:height, 0:width]
    y, x = y / height, x / width
    left = (abs(x - 0.30) < 0.12) & (abs(y - 0.60) < 0.10)
    right = (abs(x - 0.70) < 0.12) & (abs(y - 0.60) < 0.10)
    forehead = (abs(x - 0.50) < 0.20) & (abs(y - 0.22) < 0.06)
    region: NDArray[np.bool_] = left | right | forehead
    return region


def expose(pixels: NDArray[np.uint8], stops: float) -> NDArray[np.uint8]:
    """Change the exposure of sRGB pixels in linear light."""
    encoded = pixels.astype(np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear * 2.0**stops, 0, 1)
    again = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    exposed: NDArray[np.uint8] = np.round(again * 255).astype(np.uint8)
    return exposed

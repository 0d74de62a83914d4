"""Telling flat artwork and lettering from photographs.

Logos, charts, text pages and captioned memes share layout without sharing content: different
works of one kind are close in every perceptual hash. What is recognised here is never matched
on hashes alone.

The limits were set where they flag all synthetic logos, charts, pages and memes of
tests/benchmarks/matching.py and about 2 in 100 camera photographs. For those a match asks for
more agreement; a crop of one is left to review.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FLAT_RANGE = 3.0  # grey levels within a neighbourhood that count as one tone
TONE_WIDTH = 5  # grey levels that count as the same tone
TWO_TONE_SHARE = 0.75  # of the picture in its two most common flat tones: logos, charts
PAGE_SHARE = 0.4  # the same, where there is some lettering: pages, slides
INK, PAPER = 30.0, 225.0  # lettering touches both extremes within a neighbourhood
LETTERING_SHARE = 0.01  # of the picture
PAGE_LETTERING_SHARE = 0.004
LETTERING_BAND_SHARE = 0.08  # of the densest band
BAND_ROWS = 16  # rows of a 512-pixel picture: a line of small text
LAYOUT_GRID = 4
SAME_COLOUR = 12  # levels of a cell's mean; JPEG and resampling stay under 6
_NEIGHBOURHOOD = np.ones((5, 5), np.uint8)


def is_graphic(luma: NDArray[np.float32]) -> bool:
    """Whether normalised luma (float32, 0..255) is flat artwork or carries lettering."""
    brightest = cv2.dilate(luma, _NEIGHBOURHOOD)
    darkest = cv2.erode(luma, _NEIGHBOURHOOD)
    two_tone = _two_tone_share(luma, (brightest - darkest) <= FLAT_RANGE)
    rows = ((brightest >= PAPER) & (darkest <= INK)).mean(axis=1)
    lettering = float(rows.mean())
    bands = np.convolve(rows, np.ones(BAND_ROWS) / BAND_ROWS, "same")
    return (
        two_tone >= TWO_TONE_SHARE
        or (two_tone >= PAGE_SHARE and lettering >= PAGE_LETTERING_SHARE)
        or lettering >= LETTERING_SHARE
        or float(bands.max()) >= LETTERING_BAND_SHARE
    )


def colour_layout(pixels: NDArray[np.uint8]) -> bytes:
    """Mean sRGB of each cell of a 4x4 grid, row by row: 48 bytes.

    Hashes see luma only; the same logo in another colour is another logo.
    """
    cells = cv2.resize(pixels, (LAYOUT_GRID, LAYOUT_GRID), interpolation=cv2.INTER_AREA)
    return np.asarray(cells, np.uint8).tobytes()


def same_colours(query: bytes, work: bytes, *, mirrored: bool, quarter_turns: int) -> bool:
    """Whether two layouts agree, the query's first mirrored and turned counter-clockwise."""
    shape = (LAYOUT_GRID, LAYOUT_GRID, 3)
    here = np.frombuffer(query, np.uint8).reshape(shape).astype(np.int16)
    there = np.frombuffer(work, np.uint8).reshape(shape).astype(np.int16)
    here = np.rot90(here[:, ::-1] if mirrored else here, quarter_turns)
    return int(np.abs(here - there).max()) <= SAME_COLOUR


def _two_tone_share(luma: NDArray[np.float32], flat: NDArray[np.bool_]) -> float:
    histogram = np.bincount(luma[flat].astype(np.intp), minlength=256)
    tones = np.convolve(histogram, np.ones(TONE_WIDTH), "same")
    first = int(tones.argmax())
    most = float(tones[first])
    tones[max(0, first - TONE_WIDTH + 1) : first + TONE_WIDTH] = 0
    return (most + float(tones.max())) / luma.size

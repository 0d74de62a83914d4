"""Where in a picture the mark is present.

A marked picture pasted into an unmarked page lights up as a rectangle. Once the message and the
geometry are known, so is the whole pattern; the whitened plane is correlated with it in small
windows, and the correlation compared with what noise gives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.watermark.carrier import PILOT_AMPLITUDE, TILE, Carrier, carrier_of
from assay.watermark.detection import Detection, detect
from assay.watermark.geometry import Geometry, compose
from assay.watermark.images import canonical_luma, check_pixels
from assay.watermark.keys import Key, families_of
from assay.watermark.payload import PROFILES, build_message
from assay.watermark.whitening import QUIET, whiten

#: Standard deviation of the averaging window, in tiles: a window then holds about eight tiles.
WINDOW_TILES = 0.8

#: Share of the frequency plane that the whitener passes: neighbouring pixels are not independent.
BANDWIDTH = 0.25

#: Noise deviations of the local correlation that are shown as full presence.
FULL_PRESENCE = 8.0

#: Side of the cells that boxes are made of, in canonical pixels.
CELL = TILE // 2

#: What a cell must add to a box, in noise deviations: half of what marked texture gives.
CELL_COST = 0.3

#: A box counts when its cells together are this many deviations above noise.
SMALLEST_EVIDENCE = 7.0

#: Boxes reported at most.
MAXIMUM_REGIONS = 8


@dataclass(frozen=True)
class Region:
    """A box around a marked part, in native pixels; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int
    share: float


@dataclass(frozen=True, eq=False)
class Localisation:
    """A detection with the places it comes from.

    Attributes:
        detection: the mark that was found.
        presence: float32, shape (h, w), 0 to 1; certainty of the mark at canonical size: local
            correlation in units of eight times its standard deviation on noise.
        regions: boxes around the marked parts, strongest first.
    """

    detection: Detection
    presence: NDArray[np.float32]
    regions: tuple[Region, ...]


def localise(
    pixels: NDArray[np.generic],
    *,
    key: Key | Sequence[Key] = None,
    found: Detection | None = None,
) -> Localisation | None:
    """Detect a mark and say where it is, or None when there is none.

    Parameters and errors are those of `detect`; `found` is what it answered for the same
    picture and key, if it was asked before, and saves a second search.
    """
    found = found or detect(pixels, key=key)
    if found is None:
        return None
    shaped = check_pixels(pixels)
    plane = whiten(canonical_luma(shaped)).values[QUIET]
    carrier = carrier_of(families_of(key)[found.key_index])
    product = plane * _pattern(plane.shape, carrier, found)
    regions = _regions(product, plane, shaped.shape[0], shaped.shape[1])
    return Localisation(found, _presence(product, plane), regions)


def presence_map(
    pixels: NDArray[np.generic], *, key: Key | Sequence[Key] = None
) -> NDArray[np.uint8]:
    """Presence of the mark as a gray picture (H, W), black where there is none."""
    height, width = check_pixels(pixels).shape[:2]
    found = localise(pixels, key=key)
    if found is None:
        return np.zeros((height, width), np.uint8)
    levels = np.rint(255 * found.presence).astype(np.uint8)
    return np.asarray(cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _presence(product: NDArray[np.float32], plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Local correlation with the pattern that was read, 0 to 1."""
    sigma = WINDOW_TILES * TILE
    border = cv2.BORDER_REFLECT
    mean = cv2.GaussianBlur(product, (0, 0), sigma, borderType=border)
    energy = cv2.GaussianBlur(plane * plane, (0, 0), sigma, borderType=border)
    coefficient = mean / np.sqrt(energy + np.float32(1e-6))
    samples = 4 * np.pi * sigma**2 * BANDWIDTH  # independent values in a Gaussian window
    deviations = coefficient * np.float32(np.sqrt(samples))
    return np.asarray(np.clip(deviations / FULL_PRESENCE, 0, 1), np.float32)


def _pattern(shape: tuple[int, ...], carrier: Carrier, found: Detection) -> NDArray[np.float32]:
    """The pattern of a detection over a plane (h, w), RMS about 1."""
    profile = next(p for p in PROFILES if p.payload_bits == found.payload_bits)
    secret = carrier.family.message_secret(found.generation)
    message = build_message(found.payload, found.generation, secret, profile)
    symbols = carrier.symbols(message, found.generation, profile)
    half = len(symbols) // 2
    values = np.concatenate(
        [
            (symbols[:half] + 1j * symbols[half:]) / np.sqrt(2),
            carrier.pilot_phasors * PILOT_AMPLITUDE,
        ]
    )
    spectrum = np.zeros((TILE, TILE), np.complex128)
    spectrum[carrier.lines[:, 1] % TILE, carrier.lines[:, 0] % TILE] = values
    tile = np.fft.ifft2(spectrum).real
    unit = np.asarray(tile / tile.std(), np.float32)
    return _project_tile(unit, shape, found.geometry)


def _project_tile(
    tile: NDArray[np.float32], shape: tuple[int, ...], geometry: Geometry
) -> NDArray[np.float32]:
    """Repeat a tile over a plane under a geometry."""
    inverse = np.linalg.inv(compose(geometry))
    height, width = shape
    x = np.arange(width, dtype=np.float32) - width // 2
    y = np.arange(height, dtype=np.float32) - height // 2
    at_x = (inverse[0, 0] * x[None] + inverse[0, 1] * y[:, None]) - geometry.offset[0]
    at_y = (inverse[1, 0] * x[None] + inverse[1, 1] * y[:, None]) - geometry.offset[1]
    padded = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    return np.asarray(
        cv2.remap(
            padded,
            np.mod(at_x, TILE).astype(np.float32),
            np.mod(at_y, TILE).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        np.float32,
    )


def _regions(
    product: NDArray[np.float32], plane: NDArray[np.float32], height: int, width: int
) -> tuple[Region, ...]:
    """Boxes of cells with more evidence than cost, in native pixels, strongest first."""
    sums, energy = _cell_sums(product), _cell_sums(plane * plane)
    evidence = sums / np.sqrt(energy + 1e-3 * energy.mean() + 1e-9) * np.sqrt(BANDWIDTH)
    score = evidence - CELL_COST
    step_y, step_x = height / product.shape[0] * CELL, width / product.shape[1] * CELL
    regions: list[Region] = []
    while len(regions) < MAXIMUM_REGIONS:
        top, bottom, left, right = _best_box(score)
        inside = evidence[top:bottom, left:right]
        if inside.size == 0 or inside.sum() / np.sqrt(inside.size) < SMALLEST_EVIDENCE:
            break
        across = (round(left * step_x), min(width, round(right * step_x)))
        down = (round(top * step_y), min(height, round(bottom * step_y)))
        share = inside.size / evidence.size
        regions.append(Region(across[0], down[0], across[1], down[1], share))
        score[top:bottom, left:right] = -CELL_COST * inside.size
    return tuple(regions)


def _cell_sums(plane: NDArray[np.float32]) -> NDArray[np.float64]:
    """Sums over cells of CELL x CELL pixels; the last ones may be smaller."""
    rows = np.add.reduceat(plane, np.arange(0, plane.shape[0], CELL), axis=0, dtype=np.float64)
    return np.asarray(np.add.reduceat(rows, np.arange(0, plane.shape[1], CELL), axis=1))


def _best_box(score: NDArray[np.float64]) -> tuple[int, int, int, int]:
    """(top, bottom, left, right) of the box with the largest sum (Bentley, 1984)."""
    best, box = 0.0, (0, 0, 0, 0)
    for top in range(len(score)):
        columns = np.zeros(score.shape[1])
        for bottom in range(top, len(score)):
            columns += score[bottom]
            total = np.concatenate([[0.0], np.cumsum(columns)])
            gain = total - np.minimum.accumulate(total)
            right = int(gain.argmax())
            if gain[right] > best:
                left = int(total[: right + 1].argmin())
                best, box = float(gain[right]), (top, bottom + 1, left, right)
    return box

"""Where in a picture the mark is present.

A marked picture pasted into an unmarked page lights up as a rectangle. The whitened plane is
read in overlapping windows under the geometry that was found; the coherent sum of the pilots,
and of the message lines once the message is known, is compared with what noise gives.
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
from assay.watermark.images import canonical_planes, check_pixels
from assay.watermark.keys import Key, families_of
from assay.watermark.payload import PROFILES, build_message
from assay.watermark.whitening import QUIET, whiten

#: Standard deviation of the averaging window, in tiles: a window then holds about eight tiles.
WINDOW_TILES = 0.8

#: Share of the strongest presence above which a place counts as marked.
PRESENCE_THRESHOLD = 0.35

#: Regions smaller than this many tiles in area are noise.
SMALLEST_REGION_TILES = 2.0


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

    Attributes
    ----------
    detection : Detection
    presence : ndarray of float32, shape (h, w), 0 to 1
        Strength of the mark at canonical size, relative to the strongest place.
    regions : tuple of Region
        Boxes around the marked parts, largest first.
    """

    detection: Detection
    presence: NDArray[np.float32]
    regions: tuple[Region, ...]


def localise(
    pixels: NDArray[np.generic], *, key: Key | Sequence[Key] = None
) -> Localisation | None:
    """Detect a mark and say where it is, or None when there is none.

    Parameters and errors are those of `detect`.
    """
    found = detect(pixels, key=key)
    if found is None:
        return None
    shaped = check_pixels(pixels)
    planes = canonical_planes(shaped)
    plane = whiten(planes.luma).values[QUIET]
    carrier = carrier_of(families_of(key)[found.key_index])
    presence = _presence(plane, carrier, found)
    regions = _regions(presence, shaped.shape[0], shaped.shape[1])
    return Localisation(found, presence, regions)


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


def _presence(
    plane: NDArray[np.float32], carrier: Carrier, found: Detection
) -> NDArray[np.float32]:
    """Local correlation with the pattern that was read, 0 to 1."""
    pattern = _pattern(plane.shape, carrier, found)
    sigma = WINDOW_TILES * TILE
    product = cv2.GaussianBlur(plane * pattern, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    energy = cv2.GaussianBlur(plane * plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
    correlation = np.maximum(product, 0) / np.sqrt(energy + np.float32(1e-6))
    top = float(np.percentile(correlation, 99.5))
    return np.asarray(np.clip(correlation / max(top, 1e-6), 0, 1), np.float32)


def _pattern(
    shape: tuple[int, ...], carrier: Carrier, found: Detection
) -> NDArray[np.float32]:
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


def _regions(presence: NDArray[np.float32], height: int, width: int) -> tuple[Region, ...]:
    """Boxes around connected marked places, in native pixels, largest first."""
    marked = (presence > PRESENCE_THRESHOLD).astype(np.uint8)
    count, _, boxes, _ = cv2.connectedComponentsWithStats(marked)
    scale_y, scale_x = height / presence.shape[0], width / presence.shape[1]
    regions = []
    for left, top, wide, high, area in boxes[1:count]:
        if area < SMALLEST_REGION_TILES * TILE * TILE:
            continue
        regions.append(
            Region(
                round(left * scale_x),
                round(top * scale_y),
                round((left + wide) * scale_x),
                round((top + high) * scale_y),
                float(area) / marked.size,
            )
        )
    return tuple(sorted(regions, key=lambda region: -region.share))

"""Colour of skin: CIELAB, individual typology angle, CIEDE2000, the Monk scale."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray

MONK_SWATCHES = (
    "f6ede4", "f3e7db", "f7ead0", "eadaba", "d7bd96", "a07e56", "825c43", "604134", "3a312a",
    "292420",
)  # fmt: skip
"""sRGB of the ten tones, lightest first (Monk 2019; skintone.google)."""

_RGB_TO_XYZ = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_WHITE = np.array([0.95047, 1.0, 1.08883])  # D65, 2 degrees


def to_lab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIELAB (D65) of sRGB uint8 (..., 3); L* 0..100, a* and b* about -100..100.

    Imaging libraries scale and shift 8-bit Lab, which has put every tone into one class in
    published audits, and approximate it in tables; so the formulas (IEC 61966-2-1, CIE 15)
    are written out.
    """
    encoded = pixels.astype(np.float64) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    relative = linear @ _RGB_TO_XYZ.T / _WHITE
    root = np.where(relative > (6 / 29) ** 3, np.cbrt(relative), relative * 841 / 108 + 4 / 29)
    x, y, z = root[..., 0], root[..., 1], root[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def typology_angle(lab: NDArray[np.float64]) -> float:
    """Individual typology angle in degrees (Chardon 1991): above 55 very light, below -30 dark."""
    return math.degrees(math.atan2(float(lab[0]) - 50, float(lab[2])))


def nearest_monk(lab: NDArray[np.float64]) -> tuple[int, float]:
    """The nearest swatch 1..10 and its CIEDE2000 difference."""
    differences = ciede2000(np.broadcast_to(lab, (10, 3)), monk_lab())
    return int(differences.argmin()) + 1, float(differences.min())


@cache
def monk_lab() -> NDArray[np.float64]:
    """(10, 3) CIELAB of the swatches."""
    rgb = [[int(code[i : i + 2], 16) for i in (0, 2, 4)] for code in MONK_SWATCHES]
    return to_lab(np.array(rgb, dtype=np.uint8))


def ciede2000(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour difference of CIELAB rows (n, 3), after Sharma, Wu and Dalal 2005, eq. 2 to 22."""
    l1, a1, b1 = one.T
    l2, a2, b2 = other.T
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    stretch = 1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    c1, c2 = np.hypot(a1 * stretch, b1), np.hypot(a2 * stretch, b2)
    h1 = np.degrees(np.arctan2(b1, a1 * stretch)) % 360
    h2 = np.degrees(np.arctan2(b2, a2 * stretch)) % 360
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2))
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = np.where(grey, h1 + h2, _mean_hue(h1, h2))
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / np.sqrt(20 + (mean_l - 50) ** 2)
    s_c = 1 + 0.045 * mean_c
    s_h = 1 + 0.015 * mean_c * _hue_weight(mean_h)
    rotation = _rotation(mean_c, mean_h)
    lightness, chromatic, hue = (l2 - l1) / s_l, (c2 - c1) / s_c, d_hue / s_h
    squared = lightness**2 + chromatic**2 + hue**2 + rotation * chromatic * hue
    difference: NDArray[np.float64] = np.sqrt(squared)
    return difference


def _mean_hue(h1: NDArray[np.float64], h2: NDArray[np.float64]) -> NDArray[np.float64]:
    total = h1 + h2
    wrapped = np.where(total < 360, total + 360, total - 360)
    mean: NDArray[np.float64] = np.where(np.abs(h1 - h2) <= 180, total, wrapped) / 2
    return mean


def _hue_weight(hue: NDArray[np.float64]) -> NDArray[np.float64]:
    def cosine(angle: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.cos(np.radians(angle)))

    weight = (
        1
        - 0.17 * cosine(hue - 30)
        + 0.24 * cosine(2 * hue)
        + 0.32 * cosine(3 * hue + 6)
        - 0.20 * cosine(4 * hue - 63)
    )
    return np.asarray(weight)


def _rotation(chroma: NDArray[np.float64], hue: NDArray[np.float64]) -> NDArray[np.float64]:
    angle = 60 * np.exp(-(((hue - 275) / 25) ** 2))
    strength = 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    return np.asarray(-strength * np.sin(np.radians(angle)))

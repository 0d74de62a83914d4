"""The Fourier transform of a plane at any frequency, not only on the grid.

After rotation or scaling the comb lies between the bins of an FFT. The plane is divided by the
transform of a Kaiser-Bessel window, zero-padded and transformed once; each wanted frequency is
then a weighted sum of 4 x 4 bins (non-uniform FFT of type 2, Dutt and Rokhlin, 1993; window of
Jackson et al., 1991).
"""

from __future__ import annotations

from functools import cached_property, lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.watermark.compilation import compiled

#: Bins that contribute to one frequency, per direction.
TAPS = 4

#: Kaiser-Bessel shape for 4 taps at twofold oversampling (Beatty et al., 2005, equation 5).
SHAPE = float(np.pi * np.sqrt((TAPS / 2) ** 2 * 1.5**2 - 0.8))

#: Longer planes are cut to their centre: the transform then fits 2048 bins.
LONGEST_SIDE = 1450

#: Side of the window in which noise power is averaged, cycles per pixel.
NOISE_WINDOW = 0.03

#: Power above this multiple of its surroundings is a line or an edge, not noise.
POWER_CLIP = 12.0

_TABLE_SIZE = 1024


@lru_cache(maxsize=1)
def _kernel() -> NDArray[np.float32]:
    """Kaiser-Bessel window sampled from its centre to its edge."""
    t = np.linspace(0, 1, _TABLE_SIZE + 1)
    window = np.i0(SHAPE * np.sqrt(1 - t**2)) * (SHAPE / np.sinh(SHAPE) / TAPS)
    return np.asarray(window, np.float32)


@lru_cache(maxsize=16)
def _correction(length: int, bins: int) -> NDArray[np.float32]:
    """Transform of the window across `length` pixels about their centre."""
    x = (np.arange(length) - length // 2) / bins
    a = np.sqrt(np.maximum(SHAPE**2 - (np.pi * TAPS * x) ** 2, 1e-9))
    return np.asarray(np.sinh(a) / a * (SHAPE / np.sinh(SHAPE)), np.float32)


def _bins_for(extent: int) -> int:
    """Transform length that oversamples `extent` pixels at least 1.4 times."""
    return 512 if extent <= 360 else 1024 if extent <= 720 else 2048


class Spectrum:
    """Spectrum of a whitened plane about its centre.

    Attributes:
        bins: transform length in both directions.
        extent: longer side of the plane that was transformed, in pixels.
    """

    def __init__(self, plane: NDArray[np.float32]) -> None:
        height, width = (min(side, LONGEST_SIDE) for side in plane.shape)
        top, left = plane.shape[0] // 2 - height // 2, plane.shape[1] // 2 - width // 2
        part = plane[top : top + height, left : left + width]
        self.extent = max(height, width)
        self.bins = _bins_for(self.extent)
        rows, columns = _correction(height, self.bins), _correction(width, self.bins)
        padded = np.zeros((self.bins, self.bins), np.float32)
        y = (np.arange(height) - height // 2) % self.bins
        x = (np.arange(width) - width // 2) % self.bins
        padded[np.ix_(y, x)] = part / (rows[:, None] * columns[None])
        self._values = fft.rfft2(padded)

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
        """Fourier sums at `frequencies` (n, 2) in cycles per pixel (x, y), shape (n,)."""
        return _interpolate(self._values, frequencies, _kernel())

    @cached_property
    def noise(self) -> NDArray[np.float32]:
        """Local mean power, shape (bins, bins / 2 + 1), vertical frequency -0.5 first."""
        return self._powers[0]

    @cached_property
    def excess(self) -> NDArray[np.float32]:
        """Power relative to the noise around it, clipped; same layout as `noise`."""
        return self._powers[1]

    @cached_property
    def _powers(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        power = np.fft.fftshift(self._values.real**2 + self._values.imag**2, axes=0)
        power = power.astype(np.float32)
        size = max(9, round(self.bins * NOISE_WINDOW) | 1)
        noise = cv2.blur(power, (size, size), borderType=cv2.BORDER_REFLECT) + np.float32(1e-9)
        return noise, np.minimum(power / noise, np.float32(POWER_CLIP))

    def normalised(self, frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
        """`at`, in units of the noise's standard deviation around each frequency."""
        deviation = np.sqrt(_look_up(self.noise, frequencies))
        return np.asarray(self.at(frequencies) / deviation, np.complex128)


@compiled
def _look_up(noise: NDArray[np.float32], frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Noise power at the bin nearest to each frequency."""
    bins = noise.shape[0]
    result = np.empty(len(frequencies))
    for i in range(len(frequencies)):
        sign = -1.0 if frequencies[i, 0] < 0 else 1.0
        x = int(np.rint(sign * frequencies[i, 0] * bins))
        y = int(np.rint(sign * frequencies[i, 1] * bins)) + bins // 2
        result[i] = noise[min(max(y, 0), bins - 1), min(x, bins // 2)]
    return result


@compiled
def _interpolate(
    values: NDArray[np.complex64],
    frequencies: NDArray[np.float64],
    kernel: NDArray[np.float32],
) -> NDArray[np.complex128]:
    """Kaiser-Bessel sums over the bins of a half-plane spectrum."""
    bins = values.shape[0]
    half = bins // 2
    scale = (len(kernel) - 1) / (TAPS / 2)
    result = np.empty(len(frequencies), np.complex128)
    for i in range(len(frequencies)):
        sign = -1.0 if frequencies[i, 0] < 0 else 1.0
        gx, gy = sign * frequencies[i, 0] * bins, sign * frequencies[i, 1] * bins
        x0 = int(np.floor(gx)) - TAPS // 2 + 1
        y0 = int(np.floor(gy)) - TAPS // 2 + 1
        total = 0j
        for y in range(y0, y0 + TAPS):
            wy = kernel[min(int(abs(y - gy) * scale), len(kernel) - 1)]
            for x in range(x0, x0 + TAPS):
                w = wy * kernel[min(int(abs(x - gx) * scale), len(kernel) - 1)]
                if x < 0:
                    total += w * np.conj(values[(-y) % bins, min(-x, half)])
                else:
                    total += w * values[y % bins, min(x, half)]
        result[i] = total if sign > 0 else np.conj(total)
    return result

"""Find the comb in a picture that was rotated, scaled, mirrored, stretched or cropped.

Magnitudes of the spectrum do not depend on cropping, so the matrix is searched first, on the
power at the pilots alone: over rotation and scale in log-polar coordinates, over two separate
scales in log-log coordinates, both by adding up shifted copies of one map. The best matrices
are then judged by the coherent pilot correlation, which also yields the shift, and refined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from assay.watermark.carrier import TILE, Carrier
from assay.watermark.compilation import compiled
from assay.watermark.geometry import Matrix, frequencies, similarity, stretch
from assay.watermark.spectrum import Spectrum
from assay.watermark.sweep import sweep

#: Range of scales searched with rotation and, without it, separately along x and y.
SCALES = (0.38, 2.3)
STRETCH_SCALES = (0.45, 2.0)

#: Largest difference of log scales along x and y: a stretch of 1.5.
STRETCH_LIMIT = 0.4

#: Pilot magnitudes are clipped here, in noise deviations: larger ones are edges.
PILOT_CLIP = 2.5

#: The shift is searched on steps of TILE / 128, about half a pixel.
SHIFT_GRID = 128
SHIFT_STEP = TILE / SHIFT_GRID

#: Search steps: a pilot may miss its place by this share of a spectral line's width.
STEP_SHARE = 0.28

#: Above this extent in pixels lines are so thin that the map is widened instead of the grid.
SEARCH_EXTENT = 700

#: Middle radius of the pilots in cycles per pixel.
MEAN_RADIUS = 0.17

LOG_POLAR_CANDIDATES = 60
STRETCH_CANDIDATES = 12
COHERENT_CANDIDATES = 40
SWEPT_CANDIDATES = 12
REFINED_CANDIDATES = 10


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A matrix, a shift in canonical pixels and the pilot correlation they reach."""

    score: float
    matrix: Matrix
    shift: tuple[float, float]


def pilot_surface(
    carrier: Carrier, pilots: NDArray[np.complex128]
) -> tuple[NDArray[np.float64], float]:
    """Correlation with the pilots for every shift, and its standard deviation on noise.

    `pilots` are normalised readings at the pilot lines, shape (PILOTS,). The surface has shape
    (SHIFT_GRID, SHIFT_GRID), rows are vertical shifts in steps of SHIFT_STEP.
    """
    magnitude = np.abs(pilots)
    clipped = pilots * np.minimum(1, PILOT_CLIP / np.maximum(magnitude, 1e-9))
    grid = np.zeros((SHIFT_GRID, SHIFT_GRID // 2 + 1), np.complex128)
    matched = clipped * carrier.pilot_phasors.conj()
    u, v = carrier.pilot_lines[:, 0], carrier.pilot_lines[:, 1]
    grid[np.where(u < 0, -v, v) % SHIFT_GRID, np.abs(u)] = np.where(u < 0, matched.conj(), matched)
    surface = fft.irfft2(grid, (SHIFT_GRID, SHIFT_GRID)) * (SHIFT_GRID * SHIFT_GRID / 2)
    energy = float((np.abs(clipped) ** 2).sum())
    return surface, np.sqrt(energy / 2) + 1e-9


def best_shifts(
    carrier: Carrier, pilots: NDArray[np.complex128], count: int
) -> list[tuple[float, tuple[float, float]]]:
    """The highest separate peaks of the pilot surface: (score, (x, y) in pixels)."""
    surface, deviation = pilot_surface(carrier, pilots)
    peaks = []
    for _ in range(count):
        y, x = divmod(int(surface.argmax()), SHIFT_GRID)
        peaks.append((float(surface[y, x] / deviation), (x * SHIFT_STEP, y * SHIFT_STEP)))
        near = np.arange(-3, 4)
        surface[np.ix_((y + near) % SHIFT_GRID, (x + near) % SHIFT_GRID)] = -np.inf
    return peaks


def judge(spectrum: Spectrum, carrier: Carrier, matrix: Matrix) -> Hypothesis:
    """The best shift for one matrix."""
    readings = spectrum.normalised(frequencies(carrier.pilot_lines, matrix))
    score, shift = best_shifts(carrier, readings, 1)[0]
    return Hypothesis(score, matrix, shift)


def refine(spectrum: Spectrum, carrier: Carrier, start: Hypothesis, rounds: int = 3) -> Hypothesis:
    """Climb the pilot correlation over scale, rotation, stretch, shear and shift."""
    best = start
    step = 0.5 * TILE / 10 / spectrum.extent
    for _ in range(rounds):
        for _ in range(4):
            before = best.score
            for change in _small_changes(step):
                trial = _judge_near(spectrum, carrier, change @ best.matrix, best.shift)
                if trial.score > best.score + 0.02:
                    best = trial
            if best.score == before:
                break
        step /= 2.2
    return best


def _judge_near(
    spectrum: Spectrum, carrier: Carrier, matrix: Matrix, shift: tuple[float, float]
) -> Hypothesis:
    """The best of the shifts within one step of `shift` for one matrix."""
    pilots = spectrum.normalised(frequencies(carrier.pilot_lines, matrix))
    lines, phasors = carrier.pilot_lines, carrier.pilot_phasors
    score, x, y = _best_near(pilots, lines, phasors, shift[0], shift[1])
    return Hypothesis(score, matrix, (x, y))


@compiled
def _best_near(
    pilots: NDArray[np.complex128],
    lines: NDArray[np.int64],
    phasors: NDArray[np.complex128],
    x: float,
    y: float,
) -> tuple[float, float, float]:
    """Pilot correlation, in noise deviations, at the best of nine shifts around (x, y)."""
    sums = np.zeros(9)
    energy = 1e-9
    for i in range(len(pilots)):
        size = min(abs(pilots[i]), PILOT_CLIP)
        angle = np.angle(pilots[i] * np.conj(phasors[i]))
        energy += size * size
        u, v = lines[i, 0] * (2 * np.pi / TILE), lines[i, 1] * (2 * np.pi / TILE)
        for k in range(9):
            dx, dy = (k % 3 - 1) * SHIFT_STEP, (k // 3 - 1) * SHIFT_STEP
            sums[k] += size * np.cos(angle + u * (x + dx) + v * (y + dy))
    k = int(sums.argmax())
    score = sums[k] / np.sqrt(energy / 2)
    return score, x + (k % 3 - 1) * SHIFT_STEP, y + (k // 3 - 1) * SHIFT_STEP


def _small_changes(step: float) -> list[Matrix]:
    """Matrices that scale, rotate, stretch and shear a little, both ways."""
    directions = ([[1, 0], [0, 1]], [[0, -1], [1, 0]], [[1, 0], [0, 0]], [[0, 1], [0, 0]])
    return [np.eye(2) + s * np.array(d, float) for d in directions for s in (step, -step)]


def search(spectra: Sequence[Spectrum], carrier: Carrier) -> list[tuple[Spectrum, Hypothesis]]:
    """The most plausible hypotheses over the whole range of geometries, best first.

    The power of all views is searched together; each candidate is then judged in each view.
    """
    power = _search_map(spectra[0])
    for other in spectra[1:]:
        power = power + _search_map(other)
    bins, extent = spectra[0].bins, spectra[0].extent
    step = STEP_SHARE / (min(extent, SEARCH_EXTENT) * MEAN_RADIUS)
    found = _search_log_polar(bins, power, carrier, step)
    found += _search_stretch(bins, power, carrier, step * 1.1)
    found.sort(key=lambda item: -item[0])
    matrices = [sign * matrix for _, matrix in found[:COHERENT_CANDIDATES] for sign in (1, -1)]
    matrices += sweep(spectra[0], carrier, SWEPT_CANDIDATES)
    judged = [
        (spectrum, judge(spectrum, carrier, matrix)) for matrix in matrices for spectrum in spectra
    ]
    judged.sort(key=lambda item: -item[1].score)
    refined = [(item[0], refine(item[0], carrier, item[1])) for item in judged[:REFINED_CANDIDATES]]
    return sorted(refined, key=lambda item: -item[1].score)


def _search_map(spectrum: Spectrum) -> NDArray[np.float32]:
    """Excess power, widened so that the search grid cannot step over a line."""
    if spectrum.extent > SEARCH_EXTENT:
        return np.asarray(cv2.dilate(spectrum.excess, np.ones((3, 3), np.uint8)), np.float32)
    if spectrum.bins / spectrum.extent < 1.7:
        return np.asarray(cv2.blur(spectrum.excess, (3, 3)), np.float32)
    return np.asarray(cv2.GaussianBlur(spectrum.excess, (3, 3), 0.8), np.float32)


def _search_log_polar(
    bins: int, power: NDArray[np.float32], carrier: Carrier, step: float
) -> list[tuple[float, Matrix]]:
    """Scores and matrices over rotation, scale and mirroring."""
    low, high = SCALES
    lines = carrier.pilot_lines
    radius = np.hypot(lines[:, 0], lines[:, 1]) / TILE
    angle = np.arctan2(lines[:, 1], lines[:, 0])
    turns = round(np.pi / step)
    step = np.pi / turns
    scales = int(np.log(high / low) / step) + 1
    least = radius.min() / high * 0.995
    radii = int(np.ceil(np.log(radius.max() / low / least) / step)) + 2
    r = (least * np.exp(np.arange(radii)[::-1] * step)).astype(np.float32)
    t = (np.arange(turns) * step - np.pi / 2).astype(np.float32)
    polar = cv2.remap(
        power,
        np.cos(t)[:, None] * r[None] * bins,
        np.sin(t)[:, None] * r[None] * bins + bins // 2,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0.8,
    )
    found = []
    for flipped in (False, True):
        angles = np.pi - angle if flipped else angle
        score = np.zeros((turns, scales), np.float32)
        for line in range(len(lines)):
            start = round(float(np.log(radius[line] / low / least) / step))
            turned = round(float((angles[line] + np.pi / 2) / step)) % turns
            outermost = radii - 1 - start  # radii run inwards, as scales grow
            columns = polar[:, outermost : outermost + scales]
            score[: turns - turned] += columns[turned:]
            score[turns - turned :] += columns[:turned]
        for index in np.argpartition(-score.ravel(), LOG_POLAR_CANDIDATES)[:LOG_POLAR_CANDIDATES]:
            turn, scale = divmod(int(index), scales)
            matrix = similarity(low * np.exp(scale * step), turn * step, flipped)
            found.append((float(score.flat[index]), matrix))
    return found


def _search_stretch(
    bins: int, power: NDArray[np.float32], carrier: Carrier, step: float
) -> list[tuple[float, Matrix]]:
    """Scores and matrices over separate scales along x and y, and mirroring."""
    low, high = STRETCH_SCALES
    lines = carrier.pilot_lines
    u, v = np.abs(lines[:, 0]) / TILE, lines[:, 1] / TILE
    scales = int(np.log(high / low) / step) + 1
    least = min(u.min(), v.min()) / high * 0.995
    count = int(np.ceil(np.log(max(u.max(), v.max()) / low / least) / step)) + 2
    f = (least * np.exp(np.arange(count)[::-1] * step)).astype(np.float32)
    x, y = np.meshgrid(f, f)
    maps = {
        sign: cv2.remap(
            power,
            x * bins,
            sign * y * bins + bins // 2,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=0.8,
        )
        for sign in (1, -1)
    }
    found = []
    for mirror in (1, -1):
        score = np.zeros((scales, scales), np.float32)  # [y, x]
        for line in range(len(lines)):
            right = count - 1 - round(float(np.log(u[line] / low / least) / step))
            down = count - 1 - round(float(np.log(v[line] / low / least) / step))
            quadrant = maps[int(np.sign(lines[line, 0])) * mirror]
            score += quadrant[down : down + scales, right : right + scales]
        for index in np.argpartition(-score.ravel(), STRETCH_CANDIDATES)[:STRETCH_CANDIDATES]:
            along, across = divmod(int(index), scales)
            if abs(along - across) * step < STRETCH_LIMIT:
                scale_x, scale_y = low * np.exp(across * step), low * np.exp(along * step)
                matrix = stretch(scale_x, scale_y, 0.0, mirror < 0)
                found.append((float(score.flat[index]), matrix))
    return found

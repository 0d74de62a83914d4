"""Read a mark out of a picture, or say with a number that there is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.watermark import convolutional
from assay.watermark.carrier import TILE, Carrier, carrier_of
from assay.watermark.folding import FoldedSpectrum
from assay.watermark.geometry import SYMMETRIES, Geometry, Matrix, describe, frequencies
from assay.watermark.images import canonical_luma, check_pixels
from assay.watermark.keys import VERSION, Key, KeyFamily, families_of
from assay.watermark.payload import PROFILES, read_messages
from assay.watermark.spectrum import Spectrum
from assay.watermark.statistics import (
    OPERATING_POINT_LOG10,
    log10_false_alarm,
    normalised_correlation,
)
from assay.watermark.synchronisation import Hypothesis, best_shifts, judge, refine
from assay.watermark.synchronisation import search as search_geometry
from assay.watermark.whitening import whiten

#: Hypotheses decoded per picture and key: undistorted ones; those near the best undistorted
#: ones, each with its best shifts; those from the search, each with its best shifts.
UNDISTORTED = 10
NEAR, NEAR_SHIFTS = 2, 2
SEARCHED, SEARCHED_SHIFTS = 5, 3

#: Pilot correlation, in noise deviations, above which the best upright shift is read at once. Of
#: 16,384 shifts of noise the best reaches 4.5; if it is wrong after all, nothing is lost.
CLEAR = 6.0

#: All of them together; the false-alarm bound counts every one, tried or not.
MAXIMUM_HYPOTHESES = UNDISTORTED + NEAR * NEAR_SHIFTS + SEARCHED * SEARCHED_SHIFTS

#: Soft values are clipped here, in noise deviations.
SOFT_CLIP = 3.0

Search = Literal["full", "fast"]


@dataclass(frozen=True)
class Detection:
    """A mark that was read.

    Attributes:
        payload: the low `payload_bits` bits of what was embedded.
        payload_bits: 60, or 40 for pictures that were below 0.3 megapixels when they were marked.
        log10_false_alarm: log10 of a bound on the probability that a picture without a mark of
            these keys gives any detection this clear. Never above -6.
        geometry: how the picture was scaled, turned and cut since it was marked.
        generation: generation of the key family that made the mark.
        key_index: which of the keys given to `detect` it was.
        version: algorithm version of the mark.
    """

    payload: int
    payload_bits: int
    log10_false_alarm: float
    geometry: Geometry
    generation: int = 0
    key_index: int = 0
    version: str = VERSION


def detect(
    pixels: NDArray[np.generic],
    *,
    key: Key | Sequence[Key] = None,
    search: Search = "full",
) -> Detection | None:
    """Read the mark of a picture.

    Args:
        pixels: uint8 or uint16, shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).
        key: None is the documented public key. Of a sequence, the first that fits is reported.
        search: "fast" reads only pictures that were not rescaled or rotated (crops, quarter turns
            and mirroring are read): a triage for many pictures.

    Returns:
        Detection, or None when no mark is found at a false-alarm bound of 1e-6.

    Raises:
        InputRefused: the array is not a picture, or a side is below 96 pixels.
    """
    if search not in ("full", "fast"):
        raise ValueError(f'search is "full" or "fast", got {search!r}')
    views = whiten(canonical_luma(check_pixels(pixels))).values
    return detect_views(views, families_of(key), search)


def detect_views(
    views: NDArray[np.float32],
    families: Sequence[KeyFamily],
    search: Search = "full",
    attempts: int = 1,
) -> Detection | None:
    """Read the mark of whitened views, shape (VIEWS, h, w).

    `attempts` is how many planes of one medium are tried in all; the false-alarm bound is
    raised accordingly.
    """
    reader = PlaneReader(views)
    for index, family in enumerate(families):
        carrier = carrier_of(family)
        for hypothesis, soft in reader.readings(carrier, search):
            found = decode(carrier, soft, attempts * len(families))
            if found is not None:
                payload, bits, generation, alarm = found
                geometry = describe(hypothesis.matrix, hypothesis.shift)
                return Detection(payload, bits, alarm, geometry, generation, index)
    return None


class PlaneReader:
    """Soft values of whitened views (VIEWS, h, w) under one hypothesis after the other."""

    def __init__(self, views: NDArray[np.float32]) -> None:
        self._views = views
        self._folded = [FoldedSpectrum(view) for view in views]
        self._spectra: list[Spectrum] | None = None

    def spectra(self) -> list[Spectrum]:
        """The spectra of the views, made when first needed."""
        if self._spectra is None:
            self._spectra = [Spectrum(view) for view in self._views]
        return self._spectra

    def readings(
        self, carrier: Carrier, search: Search
    ) -> Iterator[tuple[Hypothesis, NDArray[np.float32]]]:
        """Hypotheses worth decoding, cheapest first, at most MAXIMUM_HYPOTHESES."""
        upright = self._under(SYMMETRIES[0], carrier)
        first = max(upright, key=lambda item: item[1].score)
        clear = first[1].score >= CLEAR
        if clear:  # most pictures that carry a mark were not turned: read before trying more
            yield first[1], _soft_folded(first[0], carrier, first[1])
        others = [item for matrix in SYMMETRIES[1:] for item in self._under(matrix, carrier)]
        straight = sorted([*upright, *others], key=lambda item: -item[1].score)
        rest = [item for item in straight if not (clear and item[1] is first[1])]
        for folded, hypothesis in rest[: UNDISTORTED - clear]:
            yield hypothesis, _soft_folded(folded, carrier, hypothesis)
        if search == "fast":
            return
        spectra = self.spectra()
        for folded, hypothesis in straight[:NEAR]:
            spectrum = spectra[self._folded.index(folded)]
            start = judge(spectrum, carrier, hypothesis.matrix)
            close = refine(spectrum, carrier, start, rounds=1)
            yield from _shifted(spectrum, carrier, close, NEAR_SHIFTS)
        for spectrum, hypothesis in search_geometry(spectra, carrier)[:SEARCHED]:
            yield from _shifted(spectrum, carrier, hypothesis, SEARCHED_SHIFTS)

    def _under(self, matrix: Matrix, carrier: Carrier) -> list[tuple[FoldedSpectrum, Hypothesis]]:
        """The best shifts under one symmetry of the square in both views."""
        lines = np.rint(frequencies(carrier.pilot_lines, matrix) * TILE).astype(np.int64)
        found = []
        for folded in self._folded:
            shifts = best_shifts(carrier, folded.normalised(lines), 3)
            found += [(folded, Hypothesis(score, matrix, shift)) for score, shift in shifts]
        return found


def _soft_folded(
    folded: FoldedSpectrum, carrier: Carrier, hypothesis: Hypothesis
) -> NDArray[np.float32]:
    message, pilots = (
        folded.normalised(np.rint(frequencies(lines, hypothesis.matrix) * TILE).astype(np.int64))
        for lines in (carrier.message_lines, carrier.pilot_lines)
    )
    return soft_values(carrier, message, pilots, hypothesis.shift)


def _shifted(
    spectrum: Spectrum, carrier: Carrier, hypothesis: Hypothesis, count: int
) -> Iterator[tuple[Hypothesis, NDArray[np.float32]]]:
    """The best shifts of one matrix with their soft values."""
    pilots = spectrum.normalised(frequencies(carrier.pilot_lines, hypothesis.matrix))
    message = spectrum.normalised(frequencies(carrier.message_lines, hypothesis.matrix))
    for score, shift in best_shifts(carrier, pilots, count):
        soft = soft_values(carrier, message, pilots, shift)
        yield Hypothesis(score, hypothesis.matrix, shift), soft


def soft_values(
    carrier: Carrier,
    message: NDArray[np.complex128],
    pilots: NDArray[np.complex128],
    shift: tuple[float, float],
) -> NDArray[np.float32]:
    """Weighted soft values, shape (SYMBOLS,).

    The pilots tell how much of the mark is left at low and at high frequencies (blur and
    compression take the high ones first): a straight line through their projections over the
    radius weights the message lines.
    """
    shift = _finer_shift(carrier, pilots, shift)
    turned = _align(message, carrier.message_lines, shift)
    known = (_align(pilots, carrier.pilot_lines, shift) * carrier.pilot_phasors.conj()).real
    weights = _radial_weights(carrier, np.clip(known, -SOFT_CLIP, SOFT_CLIP))
    turned = turned * (np.minimum(1, SOFT_CLIP / np.maximum(np.abs(turned), 1e-9)) * weights)
    return np.concatenate([turned.real, turned.imag]).astype(np.float32)


def _align(
    values: NDArray[np.complex128], lines: NDArray[np.int64], shift: tuple[float, float]
) -> NDArray[np.complex128]:
    return np.asarray(values * np.exp(2j * np.pi * (lines @ np.array(shift)) / TILE))


def _finer_shift(
    carrier: Carrier, pilots: NDArray[np.complex128], shift: tuple[float, float]
) -> tuple[float, float]:
    """The shift to a quarter pixel."""
    magnitude = np.maximum(np.abs(pilots), 1e-9)
    matched = pilots * np.minimum(1, SOFT_CLIP / magnitude) * carrier.pilot_phasors.conj()
    steps = np.arange(-0.5, 0.51, 0.25)
    x = np.exp(2j * np.pi / TILE * np.outer(shift[0] + steps, carrier.pilot_lines[:, 0]))
    y = np.exp(2j * np.pi / TILE * np.outer(shift[1] + steps, carrier.pilot_lines[:, 1]))
    score = ((y * matched) @ x.T).real
    row, column = divmod(int(score.argmax()), len(steps))
    return shift[0] + float(steps[column]), shift[1] + float(steps[row])


def _radial_weights(carrier: Carrier, known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Expected strength of each message line relative to their mean, 0.4 to 1.6."""
    radius = np.hypot(carrier.pilot_lines[:, 0], carrier.pilot_lines[:, 1])
    slope, level = np.polyfit(radius - radius.mean(), known, 1)
    lines = carrier.message_lines
    at = np.hypot(lines[:, 0], lines[:, 1]) - radius.mean()
    return np.asarray(np.clip(1 + slope / max(level, 0.3) * at, 0.15, 1.85))


def decode(
    carrier: Carrier, soft: NDArray[np.float32], readings: int
) -> tuple[int, int, int, float] | None:
    """(payload, payload bits, generation, log10 false alarm) of soft values, or None."""
    newest = carrier.family.generation
    for profile in PROFILES:
        for generation in range(newest, -1, -1):
            secret = carrier.family.message_secret(generation)
            values = carrier.code_values(soft, generation, profile)
            messages = convolutional.decode_list(values)
            read = read_messages(messages, generation, secret, profile)
            if read is None:
                continue
            row, payload = read
            symbols = carrier.symbols(messages[row], generation, profile)
            trials = MAXIMUM_HYPOTHESES * len(PROFILES) * (newest + 1) * readings
            correlation = normalised_correlation(soft, symbols)
            alarm = log10_false_alarm(correlation, profile.payload_bits, trials)
            if alarm <= OPERATING_POINT_LOG10:
                return payload, profile.payload_bits, generation, alarm
    return None

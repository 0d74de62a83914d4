"""The carrier: a comb of spatial frequencies that repeats every 61 canonical pixels.

The mark is a periodic pattern. In the Fourier plane it is a comb of lines at multiples of 1/61
cycle per pixel inside a ring. Some lines are pilots, whose keyed phases the detector knows; the
others carry two code symbols each, on the cosine and on the sine. Periodicity makes every crop
of a few tiles readable; the ring was chosen by measurement: below it pictures have too much
energy of their own, above it JPEG, resizing and the autoencoders of diffusion models remove it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assay.watermark import convolutional, payload
from assay.watermark.keys import (
    KeyFamily,
    random_permutation,
    random_phases,
    random_signs,
)
from assay.watermark.payload import Profile

#: Period of the pattern in canonical pixels. Odd: see `images.native_tile`.
TILE = 61

#: The ring, in cycles per tile: 0.094 to 0.206 cycles per pixel. Measured transfer of JPEG 50
#: there is 0.92, of the FLUX.2 tiny autoencoder 0.70 to 0.91.
INNER_RADIUS = 0.094 * TILE
OUTER_RADIUS = 0.206 * TILE

#: Pilots are not placed at the very edge of the ring, where blur weakens them first.
PILOT_OUTER_RADIUS = 0.197 * TILE

#: 44 pilots: fewer give a weaker search on crops, more leave too few message lines.
PILOTS = 44

#: Pilot amplitude relative to a message line: more helps the search, less helps the message.
#: 1.15 and 1.8 lose 1 to 5 % of the hardest edits against 1.3 to 1.4.
PILOT_AMPLITUDE = 1.3


def _comb() -> NDArray[np.int64]:
    """All lines (u, v) of the ring in one half plane, shape (n, 2), cycles per tile.

    Lines on the axes are left out: edges of buildings, tables and text live there.
    """
    reach = int(OUTER_RADIUS)
    lines = [
        (u, v)
        for v in range(1, reach + 1)
        for u in range(-reach, reach + 1)
        if u != 0 and INNER_RADIUS <= np.hypot(u, v) <= OUTER_RADIUS
    ]
    return np.array(sorted(lines, key=lambda line: (line[0] ** 2 + line[1] ** 2, line)))


COMB = _comb()

#: Soft values a decoder reads: two for each line that is not a pilot.
SYMBOLS = 2 * (len(COMB) - PILOTS)


@dataclass(frozen=True, eq=False)
class Carrier:
    """The comb as one key family divides it.

    Attributes:
        family: whose secret chose the lines.
        pilot_lines, message_lines: int64, shape (n, 2); (u, v) in cycles per tile.
        pilot_phasors: complex128, shape (PILOTS,); unit phasors of the pilots.
    """

    family: KeyFamily
    pilot_lines: NDArray[np.int64]
    pilot_phasors: NDArray[np.complex128]
    message_lines: NDArray[np.int64]

    @property
    def lines(self) -> NDArray[np.int64]:
        """Message lines, then pilots, shape (len(COMB), 2)."""
        return np.concatenate([self.message_lines, self.pilot_lines])

    def symbols(
        self, message: NDArray[np.uint8], generation: int, profile: Profile
    ) -> NDArray[np.float32]:
        """Channel symbols of an encoded message, shape (SYMBOLS,): cosines, then sines."""
        slots, signs = scramble(self.family, generation, profile)
        code = convolutional.encode(message)
        symbols = np.empty(SYMBOLS, np.float32)
        symbols[slots] = np.resize(code, SYMBOLS)
        return symbols * signs

    def message_symbols(self, value: int, profile: Profile) -> NDArray[np.float32]:
        """Channel symbols that carry payload `value` under the family's generation."""
        generation = self.family.generation
        secret = self.family.message_secret(generation)
        bits = payload.build_message(value, generation, secret, profile)
        return self.symbols(bits, generation, profile)

    def code_values(
        self, soft: NDArray[np.float32], generation: int, profile: Profile
    ) -> NDArray[np.float32]:
        """Soft values of the code bits (repetitions added up), shape (3 * message_bits,)."""
        slots, signs = scramble(self.family, generation, profile)
        length = convolutional.OUTPUTS * profile.message_bits
        index = np.arange(SYMBOLS) % length
        sums = np.bincount(index, (soft * signs)[slots], length)
        return sums.astype(np.float32)


@lru_cache(maxsize=64)
def carrier_of(family: KeyFamily) -> Carrier:
    """The carrier of a key family; generations share it but for `family.generation`."""
    secret = family.pilot_secret()
    radius = np.hypot(COMB[:, 0], COMB[:, 1])
    allowed = np.flatnonzero(radius < PILOT_OUTER_RADIUS)
    order = random_permutation(secret, b"pilot lines", len(allowed))
    pilots = np.sort(allowed[order[:PILOTS]])
    phasors = np.exp(1j * random_phases(secret, b"pilot phases", PILOTS))
    messages = np.setdiff1d(np.arange(len(COMB)), pilots)
    return Carrier(family, COMB[pilots], phasors, COMB[messages])


@lru_cache(maxsize=64)
def scramble(
    family: KeyFamily, generation: int, profile: Profile
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Where each code symbol goes and the sign it is multiplied by, shape (SYMBOLS,) each."""
    secret = family.message_secret(generation)
    label = profile.name.encode()
    slots = random_permutation(secret, b"slots " + label, SYMBOLS)
    return slots, random_signs(secret, b"signs " + label, SYMBOLS)

"""What a mark says: message layout, check sum and profiles.

    long profile   4 bits key generation | 60 bits payload         | 24 bits check sum
    short profile  4 bits key generation | low 40 bits of payload  | 24 bits check sum

Small pictures cannot carry 60 bits through hard editing; the short profile gives each of its
bits 1.1 dB more energy. Both are encoded into the same number of channel symbols, so that one
geometric search serves both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assay.watermark.keys import derive

#: Bits of a payload as the caller sees it.
PAYLOAD_BITS = 60

#: Bits in front of the payload: the key generation (see `assay.watermark.keys`).
HEADER_BITS = 4

#: Check sum of 24 bits: a wrongly corrected message passes once in 1.7e7.
CHECK_BITS = 24

#: CRC-24/OPENPGP generator polynomial, RFC 4880 section 6.1.
CHECK_POLYNOMIAL = 0x864CFB


@dataclass(frozen=True)
class Profile:
    """A message length.

    `payload_bits` are carried; the decoder sees `message_bits` information bits in all.
    """

    name: str
    payload_bits: int

    @property
    def message_bits(self) -> int:
        """Header, payload and check sum together."""
        return HEADER_BITS + self.payload_bits + CHECK_BITS


LONG = Profile("long", PAYLOAD_BITS)
SHORT = Profile("short", 40)
PROFILES = (LONG, SHORT)


def check_payload(payload: int) -> int:
    """`payload` as a plain int, refusing what is not an integer of 60 bits."""
    if isinstance(payload, bool) or not isinstance(payload, (int, np.integer)):
        raise TypeError(f"a payload is an int, got {type(payload).__name__}")
    value = int(payload)
    if not 0 <= value < 1 << PAYLOAD_BITS:
        raise ValueError(f"payload {value} does not fit {PAYLOAD_BITS} unsigned bits")
    return value


def to_bits(value: int, count: int) -> NDArray[np.uint8]:
    """The low `count` bits of `value`, most significant first, shape (count,)."""
    return np.array([(value >> (count - 1 - i)) & 1 for i in range(count)], np.uint8)


def from_bits(bits: NDArray[np.uint8]) -> int:
    """The unsigned integer whose bits, most significant first, are `bits`."""
    return int("".join("1" if bit else "0" for bit in bits), 2)


def crc24(bits: NDArray[np.uint8]) -> int:
    """CRC-24/OPENPGP remainder of `bits` (zero initial value, so that it is linear)."""
    register = 0
    for bit in bits:
        register ^= int(bit) << (CHECK_BITS - 1)
        register <<= 1
        if register >> CHECK_BITS:
            register ^= (1 << CHECK_BITS) | CHECK_POLYNOMIAL
    return register


@lru_cache(maxsize=8)
def _check_matrix(length: int) -> NDArray[np.uint8]:
    """Remainders of all unit vectors, shape (length, CHECK_BITS): the CRC as a matrix."""
    rows = np.eye(length, dtype=np.uint8)
    return np.stack([to_bits(crc24(row), CHECK_BITS) for row in rows])


@lru_cache(maxsize=64)
def _check_mask(secret: bytes, profile: Profile) -> NDArray[np.uint8]:
    """Keyed bits that are added to the check sum, shape (CHECK_BITS,).

    With them a message made under another key, or for the other profile, fails its check.
    """
    purpose = b"check sum, " + profile.name.encode()
    return np.unpackbits(np.frombuffer(derive(secret, purpose, CHECK_BITS // 8), np.uint8))


def build_message(
    payload: int, generation: int, secret: bytes, profile: Profile
) -> NDArray[np.uint8]:
    """Information bits of a payload, shape (profile.message_bits,), uint8 of 0 and 1."""
    low = payload & ((1 << profile.payload_bits) - 1)
    body = np.concatenate([to_bits(generation, HEADER_BITS), to_bits(low, profile.payload_bits)])
    check = (body @ _check_matrix(len(body)) & 1) ^ _check_mask(secret, profile)
    return np.concatenate([body, check.astype(np.uint8)])


def read_messages(
    candidates: NDArray[np.uint8], generation: int, secret: bytes, profile: Profile
) -> tuple[int, int] | None:
    """The first of several candidate messages whose header and check sum are right.

    Args:
        candidates: uint8, shape (n, profile.message_bits); most likely first.

    Returns:
        tuple of (row number, payload), or None when every candidate fails.
    """
    if len(candidates) == 0:
        return None
    body, check = candidates[:, :-CHECK_BITS], candidates[:, -CHECK_BITS:]
    expected = (body @ _check_matrix(body.shape[1]) & 1) ^ _check_mask(secret, profile)
    right_header = (body[:, :HEADER_BITS] == to_bits(generation, HEADER_BITS)).all(axis=1)
    rows = np.flatnonzero((expected == check).all(axis=1) & right_header)
    if len(rows) == 0:
        return None
    row = int(rows[0])
    return row, from_bits(body[row, HEADER_BITS:])

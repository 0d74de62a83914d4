"""256-bit codes as four 64-bit words, and the distance between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.compiled import compiled

CODE_BYTES = 32
WORDS = 4

_A = np.uint64(0x5555555555555555)
_B = np.uint64(0x3333333333333333)
_C = np.uint64(0x0F0F0F0F0F0F0F0F)
_D = np.uint64(0x0101010101010101)
_1, _2, _4, _56 = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)


@compiled
def popcount(word: np.uint64) -> np.int64:
    """Set bits of a 64-bit word; the compiler turns this pattern into one instruction."""
    word = word - ((word >> _1) & _A)
    word = (word & _B) + ((word >> _2) & _B)
    word = (word + (word >> _4)) & _C
    return np.int64((word * _D) >> _56)


def as_words(codes: list[bytes] | bytes) -> NDArray[np.uint64]:
    """Codes of 32 bytes as an Nx4 array of little-endian 64-bit words."""
    joined = codes if isinstance(codes, bytes) else b"".join(codes)
    return np.frombuffer(joined, "<u8").reshape(-1, WORDS)


def distance(first: bytes, second: bytes) -> int:
    """Number of bits in which two codes differ."""
    return (int.from_bytes(first, "big") ^ int.from_bytes(second, "big")).bit_count()

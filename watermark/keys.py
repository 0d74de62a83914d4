"""Watermark keys: everything secret about a mark is derived here.

A key decides which lines of the comb are pilots, their phases, the scrambling of the message
and the mask of its check sum. All of it is expanded from one secret by HKDF-SHA256 (RFC 5869)
and SHAKE-256 (FIPS 202). No random generator of a numerical library is used: their streams may
change between releases (NumPy's NEP 19), and a mark of version 1 must be readable for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from numpy.typing import NDArray

from assay.errors import ConfigurationError

#: Used when no key is given. Public on purpose: anyone can read, and forge or erase, such a mark.
PUBLIC_KEY = b"assay.watermark public demonstration key, version 1"

#: RFC 5869 asks for at least the strength that is wanted; 128 bits is the usual floor.
MINIMUM_KEY_BYTES = 16

#: The 4-bit header of the message holds the generation.
GENERATIONS = 16

#: Algorithm version. A mark of a version is readable for ever; a change that would break that
#: becomes a new version beside it.
VERSION = "v1"

_SALT = b"assay.watermark." + VERSION.encode()


@dataclass(frozen=True)
class KeyFamily:
    """A master secret and the number of times it has been rotated.

    All generations of a family share the pilots, so that one geometric search serves them all;
    message scrambling and check sum differ. `embed` uses `generation`; `detect` accepts that
    one and every earlier one.

    Args:
        master: at least 16 bytes of secret.
        generation: 0 to 15. Raise it to rotate; the earlier marks stay readable.

    Raises:
        ConfigurationError: the secret is too short or the generation out of range.
    """

    master: bytes = field(repr=False)
    generation: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.master, bytes):
            raise TypeError(f"a watermark key is bytes, got {type(self.master).__name__}")
        if len(self.master) < MINIMUM_KEY_BYTES:
            raise ConfigurationError(
                f"the watermark key has {len(self.master)} bytes, expected {MINIMUM_KEY_BYTES}",
                advice="Create one with: python -c 'import secrets; print(secrets.token_hex(32))'",
            )
        if not 0 <= self.generation < GENERATIONS:
            raise ConfigurationError(
                f"key generation {self.generation} is outside 0..{GENERATIONS - 1}"
            )

    def pilot_secret(self) -> bytes:
        """32 bytes from which pilot lines and phases are drawn."""
        return derive(self.master, b"pilots")

    def message_secret(self, generation: int) -> bytes:
        """32 bytes from which scrambling and check-sum mask of a generation are drawn."""
        return derive(self.master, b"message generation %d" % generation)


Key = bytes | KeyFamily | None


def family_of(key: Key) -> KeyFamily:
    """`key` as a family: None is the public key, bytes are generation 0 of that secret."""
    if key is None:
        return KeyFamily(PUBLIC_KEY)
    return key if isinstance(key, KeyFamily) else KeyFamily(key)


@lru_cache(maxsize=256)
def derive(secret: bytes, purpose: bytes, length: int = 32) -> bytes:
    """`length` bytes of HKDF-SHA256 output for `purpose`."""
    return HKDF(algorithm=SHA256(), length=length, salt=_SALT, info=purpose).derive(secret)


def random_words(secret: bytes, label: bytes, count: int) -> NDArray[np.uint64]:
    """`count` uniform 64-bit words, shape (count,), from SHAKE-256 over `label` and `secret`."""
    stream = hashlib.shake_256(label + b"\0" + secret).digest(8 * count)
    return np.frombuffer(stream, "<u8").astype(np.uint64)


def random_permutation(secret: bytes, label: bytes, count: int) -> NDArray[np.intp]:
    """A permutation of 0..count-1, shape (count,): the order of `count` random words."""
    return np.argsort(random_words(secret, label, count), kind="stable")


def random_phases(secret: bytes, label: bytes, count: int) -> NDArray[np.float64]:
    """`count` uniform angles in [0, 2 pi), shape (count,)."""
    return random_words(secret, label, count) / 2.0**64 * (2 * np.pi)


def random_signs(secret: bytes, label: bytes, count: int) -> NDArray[np.float32]:
    """`count` uniform signs, -1 or +1, shape (count,)."""
    bits = random_words(secret, label, count) >> np.uint64(63)
    return (1.0 - 2.0 * bits.astype(np.float32)).astype(np.float32)


def families_of(keys: Key | Sequence[Key]) -> tuple[KeyFamily, ...]:
    """One key or several, as families in the order given."""
    if isinstance(keys, (list, tuple)):
        return tuple(family_of(key) for key in keys)
    return (family_of(keys),)  # type: ignore[arg-type]

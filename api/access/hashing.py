"""Argon2id hashes of secrets, verified once and remembered for as long as the hash stands."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

# The smallest setting of the OWASP Password Storage Cheat Sheet: secrets are random, and
# whoever sends wrong ones should not cost much memory.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
REMEMBERED = 4096  # secrets


class VerifiedSecrets:
    """Secrets that matched, so that a request does not pay for argon2 again.

    An entry joins the SHA-256 of a secret to the one encoded hash that it matched. The encoded
    hash is read from the database at every request: once it is rotated or revoked there, the
    entry means nothing.
    """

    def __init__(self) -> None:
        self._matched: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def matches(self, secret: str, valid: Sequence[str]) -> bool:
        """Whether the secret belongs to one of these encoded hashes."""
        if self.remembers(secret, valid):
            return True
        digest = _digest(secret)
        for encoded in valid:
            try:
                _HASHER.verify(encoded, secret)
            except VerifyMismatchError:
                continue
            self._remember(digest, encoded)
            return True
        return False

    def remembers(self, secret: str, valid: Sequence[str]) -> bool:
        """As `matches`, but only for what matched before; costs next to nothing."""
        digest = _digest(secret)
        with self._lock:
            known = self._matched.get(digest) in valid
            if known:
                self._matched.move_to_end(digest)
        return known

    def _remember(self, digest: str, encoded: str) -> None:
        with self._lock:
            self._matched[digest] = encoded
            while len(self._matched) > REMEMBERED:
                self._matched.popitem(last=False)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def hash_secret(secret: str) -> str:
    """An encoded argon2id hash with a salt of its own."""
    return _HASHER.hash(secret)

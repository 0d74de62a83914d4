"""Signed notes and checkpoints (https://c2sp.org/signed-note, https://c2sp.org/tlog-checkpoint)."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from assay.errors import ConfigurationError

_ED25519 = b"\x01"
_DASH = "\u2014"


@dataclass(frozen=True)
class LogKey:
    """Name and public key of a log, written as `<name>+<hash>+<key>`."""

    name: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The four bytes that mark its signatures."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        key = base64.b64encode(_ED25519 + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    @classmethod
    def parse(cls, text: str) -> LogKey:
        """Read a verifier key.

        Raises:
            ConfigurationError: not one, or its hash is wrong.
        """
        name, _, rest = text.strip().partition("+")
        identifier, _, encoded = rest.partition("+")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except ValueError:  # binascii.Error among them
            raw = b""
        key = cls(name, raw[1:])
        if raw[:1] != _ED25519 or len(key.public) != 32 or key.id.hex() != identifier:
            raise ConfigurationError(f"{text[:80]!r} is not a verifier key")
        return key


@dataclass(frozen=True)
class Checkpoint:
    """A signed tree head: this log had `size` entries with this `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign_checkpoint(checkpoint: Checkpoint, key: Ed25519PrivateKey) -> str:
    """The checkpoint as a signed note."""
    text = checkpoint.text()
    log_key = LogKey(checkpoint.origin, key.public_key().public_bytes_raw())
    signature = base64.b64encode(log_key.id + key.sign(text.encode())).decode()
    return f"{text}\n{_DASH} {checkpoint.origin} {signature}\n"


def open_checkpoint(note: str, key: LogKey) -> Checkpoint | None:
    """The checkpoint of a note that `key` signed; None when it did not."""
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator or not any(_verifies(line, text, key) for line in signatures.splitlines()):
        return None
    lines = text.splitlines()
    if len(lines) < 3 or lines[0] != key.name or not lines[1].isdecimal():
        return None
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError:
        return None
    return Checkpoint(lines[0], int(lines[1]), root)


def _verifies(line: str, text: str, key: LogKey) -> bool:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != _DASH or parts[1] != key.name:
        return False
    try:
        raw = base64.b64decode(parts[2], validate=True)
        Ed25519PublicKey.from_public_bytes(key.public).verify(raw[4:], text.encode())
    except (InvalidSignature, ValueError):
        return False
    return raw[:4] == key.id

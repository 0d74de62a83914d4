"""The written form of an API key: `assay_<id>_<secret>`, shown once and never stored."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field

ID_BYTES = 8
SECRET_BYTES = 32  # 256 random bits: guessing is out of reach whatever the hash costs

# Also what logs look for, so that a key in the wrong place is not written down.
PATTERN = re.compile(r"assay_([0-9a-f]{16})_([0-9a-f]{64})")


@dataclass(frozen=True)
class KeyText:
    """An id that may be shown, and a secret that may not."""

    id: str
    secret: str = field(repr=False)

    @classmethod
    def new(cls, key_id: str | None = None) -> KeyText:
        """A random secret, for a new id or for one that exists."""
        return cls(key_id or secrets.token_hex(ID_BYTES), secrets.token_hex(SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> KeyText | None:
        """The parts of a written key, or None when it is not one."""
        found = PATTERN.fullmatch(text)
        return cls(*found.groups()) if found else None

    def written(self) -> str:
        """The form that a caller sends."""
        return f"assay_{self.id}_{self.secret}"


def redacted(text: str) -> str:
    """The text with every secret replaced."""
    return PATTERN.sub(r"assay_\1_[redacted]", text)

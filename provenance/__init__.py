"""Provenance: who made a file, with what, and whether it was changed since.

    from assay import provenance
    provenance.read("picture.jpg")              # Credentials
    provenance.sign_bytes(media, manifest)      # signed bytes, read back

Keys and trust lists: `keys`, `trust`. What to claim: `manifests`. Finding works again:
`matching`. Names not listed here are internal and may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.provenance.credentials import Credentials
    from assay.provenance.manifests import Manifest
    from assay.provenance.reading import read
    from assay.provenance.signing import sign_bytes, sign_detached

__all__ = ["Credentials", "Manifest", "read", "sign_bytes", "sign_detached"]

_HOMES = {
    "Credentials": "assay.provenance.credentials",
    "Manifest": "assay.provenance.manifests",
    "read": "assay.provenance.reading",
    "sign_bytes": "assay.provenance.signing",
    "sign_detached": "assay.provenance.signing",
}
_PARTS = frozenset({"generation", "keys", "manifests", "matching", "trust"})


def __getattr__(name: str) -> Any:
    """Load a public name on first use: the C2PA library is 23 MB."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _PARTS:
        return import_module(f"assay.provenance.{name}")
    raise AttributeError(f"module 'assay.provenance' has no attribute {name!r}")

"""Assay: sign what you generate, verify what you receive, audit what you ship.

    import assay
    assay.sign("picture.png")           # invisible watermark + C2PA manifest, read back
    assay.verify("upload.jpg")          # one honest verdict, its evidence kept apart
    assay.audit("manifest.csv")         # a fairness audit with sound statistics

The names below are the public interface. Rooms (`assay.watermark`, `assay.provenance`,
`assay.datasets`, `assay.detector`, `assay.reports`, `assay.api`) load when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from assay.version import __version__

if TYPE_CHECKING:
    from assay.detector.verify import verify
    from assay.errors import AssayError
    from assay.evidence import Evidence, Verdict, Verification
    from assay.limits import Limits
    from assay.media import Media
    from assay.provenance.marking import Receipt, Signed, sign
    from assay.reports import Audit, audit

__all__ = [
    "AssayError",
    "Audit",
    "Evidence",
    "Limits",
    "Media",
    "Receipt",
    "Signed",
    "Verdict",
    "Verification",
    "__version__",
    "audit",
    "sign",
    "verify",
]

_HOMES = {
    "AssayError": "assay.errors",
    "Audit": "assay.reports",
    "Evidence": "assay.evidence",
    "Limits": "assay.limits",
    "Media": "assay.media",
    "Receipt": "assay.provenance.marking",
    "Signed": "assay.provenance.marking",
    "Verdict": "assay.evidence",
    "Verification": "assay.evidence",
    "audit": "assay.reports",
    "sign": "assay.provenance.marking",
    "verify": "assay.detector.verify",
}
_ROOMS = frozenset({"api", "detector", "provenance", "reports", "watermark"})


def __getattr__(name: str) -> Any:
    """Load a public name or a room on first use, so that `import assay` stays light."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _ROOMS:
        return import_module(f"assay.{name}")
    raise AttributeError(f"module 'assay' has no attribute {name!r}")

"""Reports: fairness audits, and the pages that tell what was found.

`audit` runs an audit; `Audit` is its result. Verification pages are in
`assay.reports.verification`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.reports.fairness.results import Audit

__all__ = ["Audit", "audit"]


def audit(manifest: str | Path, *, out: str | Path | None = None, **options: Any) -> Audit:
    """Audit generated pictures; see `assay.reports.fairness.run.audit`."""
    from assay.reports.fairness import run

    return run.audit(manifest, out=out, **options)


def __getattr__(name: str) -> Any:
    if name == "Audit":
        from assay.reports.fairness.results import Audit

        return Audit
    raise AttributeError(name)

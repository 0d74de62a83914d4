"""Running an audit of the fixture `tables`."""

from __future__ import annotations

from typing import Any

from assay.reports import Audit, audit


def audited(tables: Any, **options: object) -> Audit:
    """The audit of all three tables, unless an option says otherwise."""
    chosen: dict[str, object] = {"labels": tables.labels, "reference": tables.reference}
    return audit(tables.manifest, **(chosen | options))


def codes(result: Audit) -> set[str]:
    """Which findings about the input there are."""
    return {finding.code for finding in result.data.findings}

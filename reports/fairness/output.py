"""Writing a report: HTML, JSON, PDF where the library is there, and their C2PA manifests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay import files
from assay.reports.fairness.audit_page import render_audit
from assay.reports.fairness.comparison import Comparison
from assay.reports.fairness.results import Audit
from assay.reports.rendering.canonical import canonical_json
from assay.reports.rendering.page import render
from assay.reports.rendering.pdf import can_render, render_pdf
from assay.reports.sealing import DETACHED_SUFFIX, MEDIA_TYPES, Seal, can_sign


def write(audit: Audit, folder: str | Path, *, pdf: bool = True) -> list[Path]:
    """Write the report into `folder`, replacing an earlier one.

    Everything is made and signed before the first file is written, so a failure leaves an
    earlier report as it was. Without a signing identity the report says that it is unsigned.

    Returns:
        The files written.

    Raises:
        OutputRefused: the folder cannot be written.
        KeysUnavailable: there is a signing identity, and it cannot be used.
    """
    html = render_audit(audit, signed=can_sign())
    seal = Seal(audit.title, _facts(audit))
    return _write(folder, "report", html, audit.json_document(), seal, pdf=pdf)


def write_comparison(comparison: Comparison, folder: str | Path, *, pdf: bool = True) -> list[Path]:
    """Write comparison.html and comparison.json into `folder`; otherwise as `write`."""
    html = render("comparison.html", comparison=comparison, signed=can_sign())
    facts = {
        "schema": comparison.schema_,
        "inputs": [{"role": f.role, "sha256": f.sha256} for f in comparison.inputs],
    }
    seal = Seal("Comparison of two fairness audits", facts)
    document = comparison.model_dump(mode="json", by_alias=True)
    return _write(folder, "comparison", html, document, seal, pdf=pdf)


def _write(
    folder: str | Path, stem: str, html: str, document: dict[str, Any], seal: Seal, *, pdf: bool
) -> list[Path]:
    """Files named `stem`, signed where there is a signing identity."""
    signed = can_sign()
    documents = {f"{stem}.html": html.encode(), f"{stem}.json": canonical_json(document)}
    outputs = {*documents, *(name + DETACHED_SUFFIX for name in documents), f"{stem}.pdf"}
    if signed:
        for name, data in list(documents.items()):
            media_type = MEDIA_TYPES[Path(name).suffix]
            documents[name + DETACHED_SUFFIX] = seal.detached(data, media_type)
    if pdf and can_render():
        rendered = render_pdf(html)
        documents[f"{stem}.pdf"] = seal.embedded_in_pdf(rendered) if signed else rendered
    folder = Path(folder)
    written = [files.write_atomically(folder / name, data) for name, data in documents.items()]
    for name in outputs - set(documents):  # left by an earlier report, and not of this one
        (folder / name).unlink(missing_ok=True)
    return written


def _facts(audit: Audit) -> dict[str, object]:
    return {
        "schema": audit.schema_,
        "pictures": audit.data.pictures,
        "picturesRoot": audit.data.pictures_root or "",
        "inputs": [{"role": f.role, "sha256": f.sha256} for f in audit.data.inputs],
        "software": audit.software.model_dump(),
    }

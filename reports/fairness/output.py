"""Writing a report: HTML, JSON, PDF where the library is there, and their C2PA manifests."""

from __future__ import annotations

from pathlib import Path

from assay import files
from assay.reports.fairness.results import Audit
from assay.reports.rendering.audit_page import render_audit
from assay.reports.rendering.canonical import canonical_json
from assay.reports.rendering.pdf import can_render, render_pdf
from assay.reports.sealing import DETACHED_SUFFIX, MEDIA_TYPES, Seal, can_sign

OUTPUTS = {"report.html", "report.html.c2pa", "report.json", "report.json.c2pa", "report.pdf"}


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
    signed = can_sign()
    html = render_audit(audit, signed=signed)
    documents = {
        "report.html": html.encode(),
        "report.json": canonical_json(audit.json_document()),
    }
    seal = Seal(audit.title, _facts(audit))
    if signed:
        for name, data in list(documents.items()):
            media_type = MEDIA_TYPES[Path(name).suffix]
            documents[name + DETACHED_SUFFIX] = seal.detached(data, media_type)
    if pdf and can_render():
        rendered = render_pdf(html)
        documents["report.pdf"] = seal.embedded_in_pdf(rendered) if signed else rendered
    folder = Path(folder)
    written = [files.write_atomically(folder / name, data) for name, data in documents.items()]
    for name in OUTPUTS - set(documents):  # left by an earlier report, and not of this one
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

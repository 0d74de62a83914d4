"""The demo's page: one card a file, with its picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.files import write_atomically
from assay.media import Media
from assay.reports.rendering.page import render
from assay.reports.verification import data_uri, render_html, thumbnail
from assay.version import __version__

if TYPE_CHECKING:
    from assay.cli.demo.outcome import Outcome, Step


def write_report(outcome: Outcome) -> Path:
    """Write `report.html` and one page a file; nothing in them needs a network."""
    assert outcome.audit is not None
    page = render(
        "demo.html",
        generator=outcome.generator,
        steps=[_card(step, outcome.folder) for step in outcome.steps],
        seconds=outcome.seconds,
        claims=[claim.verdict for claim in outcome.audit.claims],
        audit="audit/report.html",
        version=__version__,
    )
    return write_atomically(outcome.folder / "report.html", page)


def _card(step: Step, folder: Path) -> dict[str, Any]:
    picture = thumbnail(Media.open(step.path))
    target = folder / "verifications" / f"{step.path.stem}.html"
    write_atomically(target, render_html(step.verification, picture=picture))
    return {
        "name": step.path.name,
        "what": step.what,
        "category": step.category,
        "as_expected": step.as_expected,
        "summary": step.verification.verdict.summary,
        "manifest": _manifest(step),
        "thumbnail": data_uri(picture),
        "report": target.relative_to(folder).as_posix(),
    }


def _manifest(step: Step) -> str | None:
    """Label of the manifest in the file, or of the one that was found again."""
    for evidence in step.verification.evidence:
        label = evidence.details.get("manifest_label") or evidence.details.get("manifest")
        if label:
            return str(label)
    return None

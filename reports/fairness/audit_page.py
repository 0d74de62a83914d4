"""The audit report as one self-contained HTML page."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from assay.reports.fairness import figures
from assay.reports.fairness.claims import RepresentationClaim
from assay.reports.fairness.figures import furthest
from assay.reports.fairness.results import Audit
from assay.reports.rendering.page import render

MOST_TABLE_ROWS = 50  # the furthest prompts; a page of more is not read, and JSON has all


@dataclass(frozen=True)
class AttributeResults:
    """One attribute's part of the results section."""

    name: str
    claims: tuple[RepresentationClaim, ...]
    hidden: int
    distances: Markup
    compositions: Markup | None
    strata_in_figures: int


def render_audit(audit: Audit, *, signed: bool = False) -> str:
    """HTML of an audit: no script, no external reference, the same bytes for the same audit."""
    names = sorted({claim.attribute for claim in audit.claims})
    results = [_attribute(audit, name, number) for number, name in enumerate(names, start=1)]
    return render("audit.html", audit=audit, results=results, signed=signed)


def _attribute(audit: Audit, name: str, number: int) -> AttributeResults:
    claims = tuple(claim for claim in audit.claims if claim.attribute == name)
    return AttributeResults(
        name=name,
        claims=claims if len(claims) <= MOST_TABLE_ROWS else furthest(claims, MOST_TABLE_ROWS),
        hidden=max(0, len(claims) - MOST_TABLE_ROWS),
        distances=figures.distances(claims, prefix=f"d{number}"),
        compositions=figures.compositions(claims, prefix=f"c{number}"),
        strata_in_figures=min(len(claims), figures.MOST_ROWS),
    )

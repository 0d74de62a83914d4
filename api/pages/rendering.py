"""Pages from templates: escaped, without inline scripts or styles, loading nothing from afar."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.api.access import csrf_token
from assay.api.advice import advice_for_callers
from assay.reports.rendering.page import number, percent
from assay.version import __version__

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def page(
    request: Request, template: str, place: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """A page of the service.

    Args:
        place: which entry of the navigation it belongs to.
        context: for the template; every string in it is taken for hostile and escaped.
    """
    html = render(
        template,
        place=place,
        path=request.url.path,
        csrf=csrf_token(request),
        version=__version__,
        **context,
    )
    return HTMLResponse(html, status, headers=HEADERS)


def render(template: str, **context: Any) -> str:
    """A template, or a part of one, as HTML."""
    return _environment().get_template(template).render(**context)


def moment(when: datetime | float) -> str:
    """A time as people write it; UTC, because a report travels."""
    if not isinstance(when, datetime):
        when = datetime.fromtimestamp(when, UTC)
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("assay.api"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        for_callers=advice_for_callers,
        moment=moment,
        number=number,
        percent=percent,
        sentence=lambda text: text[:1].upper() + text[1:],
        words=lambda code: code.replace("-", " ").replace("_", " "),
    )
    return environment

"""The page: a form that works without JavaScript, answered by a report."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Request, UploadFile
from fastapi.responses import HTMLResponse
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, PackageLoader, StrictUndefined

from assay.api.capacity import Busy, slot
from assay.api.problems import status_of
from assay.api.verifications import read_upload
from assay.detector.verify import verify
from assay.errors import AssayError, InputRefused
from assay.reports.verification import render_html, thumbnail
from assay.version import __version__

router = APIRouter(include_in_schema=False)
_templates = Jinja2Templates(
    env=Environment(loader=PackageLoader("assay.api"), autoescape=True, undefined=StrictUndefined)
)

# The report embeds its picture and styles; it loads nothing and runs nothing.
_REPORT_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_PAGE_HEADERS = {
    **_REPORT_HEADERS,
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self' data: blob:; style-src 'self'; script-src 'self'; "
        "form-action 'self'; base-uri 'none'"
    ),
}


@router.api_route("/", methods=["GET", "HEAD"], response_class=HTMLResponse)
def show_form(request: Request) -> HTMLResponse:
    """The drop zone."""
    return _form(request)


@router.post("/", response_class=HTMLResponse)
def examine(request: Request, file: Annotated[UploadFile, File()]) -> HTMLResponse:
    """Examine the dropped picture and show the report."""
    try:
        with slot():
            media = read_upload(file)
            verification = verify(media)
            html = render_html(verification, picture=thumbnail(media), back="/")
    except (InputRefused, Busy) as refusal:
        return _form(request, refusal)
    return HTMLResponse(html, headers=_REPORT_HEADERS)


def _form(request: Request, refusal: AssayError | None = None) -> HTMLResponse:
    return _templates.TemplateResponse(
        request,
        "index.html",
        {"refusal": refusal, "version": __version__},
        status_code=status_of(refusal) if refusal else 200,
        headers=_PAGE_HEADERS,
    )

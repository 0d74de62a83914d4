"""PDF from the HTML of a report: tagged, and reproducible to the byte."""

from __future__ import annotations

import logging
from importlib import import_module
from importlib.util import find_spec

from assay.errors import MissingExtra

VARIANT = "pdf/ua-1"
"""ISO 14289-1: a tagged structure that screen readers follow."""


def can_render() -> bool:
    """Whether the optional PDF library is installed."""
    return find_spec("weasyprint") is not None


def render_pdf(html: str) -> bytes:
    """A PDF/UA-1 document of a self-contained page; nothing is fetched.

    Raises:
        MissingExtra: weasyprint is not installed.
    """
    if not can_render():
        raise MissingExtra("PDF reports need weasyprint", advice="pip install 'assay[pdf]'")
    weasyprint = import_module("weasyprint")

    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of every unknown property
    document = weasyprint.HTML(string=html, url_fetcher=_refuse)
    return bytes(document.write_pdf(pdf_variant=VARIANT))


def _refuse(url: str, **_: object) -> dict[str, object]:
    raise ValueError(f"reports refer to nothing outside, but asked for {url}")

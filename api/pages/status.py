"""The page that says how the service is."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import HTMLResponse

from assay.api.access import Caller, require
from assay.api.operations import health
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page
from assay.api.runtime import Runtime, runtime_of
from assay.reports.sealing import can_sign
from assay.settings import settings

router = APIRouter(include_in_schema=False, route_class=PageRoute)


@router.get("/status")
def show_status(
    request: Request,
    _caller: Annotated[Caller, Depends(require("verify"))],
    runtime: Annotated[Runtime, Depends(runtime_of)],
) -> HTMLResponse:
    """Which parts work, how much waits, and what is promised."""
    readiness = health.get_readiness(request, Response())
    queue = runtime.jobs.health()
    return page(
        request,
        "status.html",
        "status",
        parts=readiness.parts,
        ready=readiness.status == "ready",
        queue=queue,
        limits=settings().limits,
        hours=settings().retention_hours,
        can_sign=can_sign(),
        url_input=settings().allow_url_input,
    )

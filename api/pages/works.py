"""The pages of the registry: works listed, registered, removed, and matched."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Query, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BeforeValidator

from assay.api import matches
from assay.api import works as api
from assay.api.access import Caller, require
from assay.api.pages import report, work_pictures
from assay.api.pages.known_work import KnownWork, known_work
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page
from assay.api.pages.work_pictures import WorkPicture
from assay.api.paging import Cursor, Id
from assay.api.problems import status_of
from assay.api.runtime import Runtime, runtime_of
from assay.api.uploads import ATTACHED, Line, Text, file_name
from assay.errors import AssayError
from assay.provenance.matching.errors import NotRegistered
from assay.provenance.matching.receipts import Match
from assay.provenance.matching.works import Work, WorkKind
from assay.reports.verification import data_uri

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Keeper = Annotated[Caller, Depends(require("works"))]
Parts = Annotated[Runtime, Depends(runtime_of)]
# What a browser sends for a date that was left open is an empty string.
Day = Annotated[date | None, BeforeValidator(lambda sent: sent or None), Form()]


@router.get("/works")
def show_works(
    request: Request,
    caller: Keeper,
    runtime: Parts,
    cursor: Cursor = None,
    registered: Annotated[str, Query(max_length=200)] = "",
) -> HTMLResponse:
    """The registry, a page of it at a time; the work that was just registered is named first."""
    with suppress(NotRegistered):
        work = api.get_work(caller, registered) if registered else None
        return _list(request, caller, runtime, cursor=cursor, registered=work)
    return _list(request, caller, runtime, cursor=cursor)


@router.post("/works")
def register(
    request: Request,
    caller: Keeper,
    runtime: Parts,
    file: Annotated[UploadFile, File()],
    title: Line = "",
    rights_holder: Line = "",
    licence: Line = "",
    source: Line = "",
    dispute: Line = "",
    terms: Text = "",
    valid_from: Day = None,
    valid_until: Day = None,
    kind: Annotated[WorkKind, Form()] = "photograph",
    training_opt_out: Annotated[bool, Form()] = False,
    keep_picture: Annotated[bool, Form()] = False,
) -> Response:
    """Register a work, and keep a small picture of it if that is wanted."""
    try:
        work = api.create_work(
            caller,
            Response(),
            file,
            title=title,
            rights_holder=rights_holder,
            licence=licence,
            sources=[source] if source else [],
            dispute=dispute,
            terms=terms,
            valid_from=_start_of(valid_from),
            valid_until=_end_of(valid_until),
            kind=kind,
            training_opt_out=training_opt_out,
        )
    except AssayError as refusal:
        return _list(request, caller, runtime, refusal=refusal)
    if keep_picture:
        file.file.seek(0)
        png = report.drawn_anew(runtime, file.file.read())
        if png:
            shown = WorkPicture(title, *report.size_of(png), png)
            work_pictures.keep(runtime.records.engine, work.id, shown)
    return RedirectResponse(f"/works?registered={quote(work.id, safe='')}", 303)


@router.post("/works/match")
def match(
    request: Request, caller: Keeper, runtime: Parts, file: Annotated[UploadFile, File()]
) -> HTMLResponse:
    """Which works a picture copies."""
    try:
        found = matches.create_match(caller, file)
    except AssayError as refusal:
        return _list(request, caller, runtime, refusal=refusal)
    kept = work_pictures.find(runtime.records.engine, [item.work_id for item in found.matches])
    file.file.seek(0)
    png = report.drawn_anew(runtime, file.file.read()) if found.matches else None
    size = report.size_of(png) if png else (0, 0)
    return page(
        request,
        "work_matches.html",
        "works",
        name=file_name(file) or "The picture",
        found=[(item, _drawn(item, kept.get(item.work_id), size)) for item in found.matches],
        searched=found.works,
        shown=data_uri(png),
    )


@router.get("/works/{id}/picture.png")
def show_picture(
    runtime: Parts, id: Id, caller: Annotated[Caller, Depends(require("verify"))]
) -> Response:
    """The small picture of a work."""
    found = work_pictures.find(runtime.records.engine, [id]).get(id)
    headers = {**ATTACHED, "Content-Disposition": "inline"}
    return Response(
        found.png if found else b"",
        200 if found else 404,
        media_type="image/png",
        headers=headers,
    )


@router.get("/works/{id}/remove")
def ask_to_remove(request: Request, caller: Keeper, id: Id) -> HTMLResponse:
    """Removing cannot be undone, so it is asked for twice."""
    work = api.get_work(caller, id)
    return page(
        request,
        "delete.html",
        "works",
        what=work.title or work.id,
        consequence="The work leaves the registry; from then on no copy of it is recognised.",
        action=f"/works/{quote(id, safe='')}/remove",
        back="/works",
    )


@router.post("/works/{id}/remove")
def remove(caller: Keeper, id: Id) -> RedirectResponse:
    """Remove for good."""
    api.delete_work(caller, id)
    return RedirectResponse("/works", 303)


def _list(
    request: Request,
    caller: Caller,
    runtime: Runtime,
    *,
    cursor: str | None = None,
    refusal: AssayError | None = None,
    registered: Work | None = None,
) -> HTMLResponse:
    found = api.list_works(caller, limit=50, cursor=cursor)
    kept = work_pictures.find(runtime.records.engine, [work.id for work in found.items])
    return page(
        request,
        "works.html",
        "works",
        status=status_of(refusal) if refusal else 200,
        error=refusal,
        registered=registered,
        works=found.items,
        next=found.next,
        pictures={id: _address(id) for id in kept},
        removals={work.id: f"/works/{quote(work.id, safe='')}/remove" for work in found.items},
    )


def _drawn(match: Match, kept: WorkPicture | None, query: tuple[int, int]) -> KnownWork:
    return known_work(match.work_id, match.receipt.model_dump(mode="json"), kept, query)


def _start_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.min, UTC)


def _end_of(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time.max, UTC)


def _address(work: str) -> str:
    return f"/works/{quote(work, safe='')}/picture.png"

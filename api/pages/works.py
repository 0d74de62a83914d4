"""The pages of the registry: works listed, registered, removed, and matched."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from assay.api import matches
from assay.api import works as api
from assay.api.access import Caller, require
from assay.api.pages import report, work_pictures
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page
from assay.api.pages.work_pictures import WorkPicture
from assay.api.paging import Cursor, Id
from assay.api.problems import status_of
from assay.api.runtime import Runtime, runtime_of
from assay.api.uploads import ATTACHED, Line
from assay.errors import AssayError
from assay.provenance.matching.examiner import LOWEST_CLAIM
from assay.provenance.matching.works import WorkKind

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Keeper = Annotated[Caller, Depends(require("works"))]
Parts = Annotated[Runtime, Depends(runtime_of)]


@router.get("/works")
def show_works(
    request: Request, caller: Keeper, runtime: Parts, cursor: Cursor = None
) -> HTMLResponse:
    """The registry, a page of it at a time."""
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
    return RedirectResponse("/works", 303)


@router.post("/works/match")
def match(
    request: Request, caller: Keeper, runtime: Parts, file: Annotated[UploadFile, File()]
) -> HTMLResponse:
    """Which works a picture copies."""
    try:
        found = matches.create_match(caller, file)
    except AssayError as refusal:
        return _list(request, caller, runtime, refusal=refusal)
    ids = [item.work_id for item in found.matches]
    return page(
        request,
        "work_matches.html",
        "works",
        name=file.filename or "the picture",
        found=found,
        lowest=LOWEST_CLAIM,
        pictures={id: _address(id) for id in work_pictures.find(runtime.records.engine, ids)},
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
) -> HTMLResponse:
    found = api.list_works(caller, limit=50, cursor=cursor)
    kept = work_pictures.find(runtime.records.engine, [work.id for work in found.items])
    return page(
        request,
        "works.html",
        "works",
        status=status_of(refusal) if refusal else 200,
        error=refusal,
        works=found.items,
        next=found.next,
        pictures={id: _address(id) for id in kept},
        removals={work.id: f"/works/{quote(work.id, safe='')}/remove" for work in found.items},
    )


def _address(work: str) -> str:
    return f"/works/{quote(work, safe='')}/picture.png"

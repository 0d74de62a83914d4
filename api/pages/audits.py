"""The pages of fairness audits."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, File, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from assay.api.access import Caller, require
from assay.api.audits import router as api
from assay.api.audits.resources import AuditResource
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page
from assay.api.paging import Cursor, Id
from assay.api.problems import status_of
from assay.api.uploads import Line
from assay.errors import AssayError
from assay.reports.rendering.page import SHAPES, WORDS

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Auditor = Annotated[Caller, Depends(require("audit"))]


@router.get("/audits")
def show_audits(request: Request, caller: Auditor, cursor: Cursor = None) -> HTMLResponse:
    """Audits of this person, newest first, and the form of a new one."""
    return _list(request, caller, cursor=cursor)


@router.post("/audits")
def start(
    request: Request,
    caller: Auditor,
    archive: Annotated[UploadFile, File()],
    labels: Annotated[UploadFile | None, File()] = None,
    reference: Annotated[UploadFile | None, File()] = None,
    title: Line = "",
    system: Line = "",
    auditor: Line = "",
) -> Response:
    """Take an audit in and go to its page."""
    response = Response()
    try:
        audit = api.create_audit(
            request,
            response,
            caller,
            archive=archive,
            labels=_sent(labels),
            reference=_sent(reference),
            title=title,
            system=system,
            auditor=auditor,
        )
    except AssayError as refusal:
        return _list(request, caller, refusal=refusal)
    return RedirectResponse(f"/audits/{audit.id}", 303)


@router.get("/audits/{id}")
def show_audit(request: Request, caller: Auditor, id: Id) -> HTMLResponse:
    """The report, or how far it is."""
    audit = api.get_audit(caller, id)
    files = {address.rpartition("/")[2]: address for address in audit.reports}
    return page(
        request,
        "audit.html",
        "audits",
        audit=audit,
        files=files,
        verdicts=_verdicts(audit),
    )


@router.get("/audits/{id}/delete")
def ask_to_delete(request: Request, caller: Auditor, id: Id) -> HTMLResponse:
    """Deleting cannot be undone, so it is asked for twice."""
    audit = api.get_audit(caller, id)
    return page(
        request,
        "delete.html",
        "audits",
        what=audit.title or "this audit",
        consequence="The archive, the report and its signatures are deleted.",
        action=f"/audits/{id}/delete",
        back=f"/audits/{id}",
    )


@router.post("/audits/{id}/delete")
def delete(caller: Auditor, id: Id) -> RedirectResponse:
    """Delete for good."""
    api.delete_audit(caller, id)
    return RedirectResponse("/audits", 303)


def _list(
    request: Request,
    caller: Caller,
    *,
    cursor: str | None = None,
    refusal: AssayError | None = None,
) -> HTMLResponse:
    found = api.list_audits(caller, limit=50, cursor=cursor)
    return page(
        request,
        "audits.html",
        "audits",
        status=status_of(refusal) if refusal else 200,
        error=refusal,
        audits=[(audit, _told(audit)) for audit in found.items],
        next=found.next,
        waiting=any(audit.status in ("queued", "running") for audit in found.items),
    )


def _told(audit: AuditResource) -> str:
    """How an audit stands, in one line."""
    if audit.summary is None:
        return {"queued": "waiting", "running": "at work", "failed": "failed"}.get(audit.status, "")
    said = [f"{count} × {words}" for _, words, count in _verdicts(audit) if count]
    return ", ".join(said) or "nothing was claimed"


def _verdicts(audit: AuditResource) -> list[tuple[str, str, int]]:
    """Shape, words and count of each verdict."""
    counts = audit.summary.verdicts if audit.summary else {}
    return [(SHAPES[code], words, counts.get(code, 0)) for code, words in WORDS.items()]


def _sent(file: UploadFile | None) -> UploadFile | None:
    """A file field that was left empty is sent too, without a name."""
    return file if file is not None and file.filename else None

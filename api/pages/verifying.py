"""The pages on which pictures are dropped and results are read."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from assay.api import verifications as api
from assay.api.access import Caller, require
from assay.api.operations.serving import stopping
from assay.api.pages import credentials, report, steps, work_pictures
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page, render
from assay.api.pages.result import named_works, result
from assay.api.pages.taking_in import MOST_FILES, Batch, take_in
from assay.api.paging import Cursor, Id
from assay.api.problems import status_of
from assay.api.runtime import Runtime, runtime_of
from assay.api.uploads import ATTACHED, attachment
from assay.api.verification_resources import NotFinished, VerificationSummary
from assay.errors import AssayError, InputRefused
from assay.evidence import Verification
from assay.provenance.examiner import describe
from assay.reports.headlines import HEADLINES
from assay.reports.sealing import can_sign
from assay.reports.verification import data_uri
from assay.settings import settings

RECENT = 5

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Person = Annotated[Caller, Depends(require("verify"))]
Parts = Annotated[Runtime, Depends(runtime_of)]


@dataclass(frozen=True)
class Line:
    """A verification in a list."""

    id: str
    name: str | None
    words: str
    created: datetime


@router.api_route("/", methods=["GET", "HEAD"])
def show_home(request: Request, caller: Person, runtime: Parts) -> HTMLResponse:
    """The drop zone."""
    return _home(request, caller, runtime)


@router.post("/verifications")
def examine(
    request: Request,
    caller: Person,
    runtime: Parts,
    files: Annotated[list[UploadFile], File()] = [],  # noqa: B006
    url: Annotated[str, Form(max_length=8000)] = "",
) -> Response:
    """Take files in and go to the result, to the list, or to what became of each."""
    batch = take_in(runtime, files, url.strip(), caller.id)
    if not batch.is_complete:
        return _told_what_became_of(request, caller, runtime, batch)
    if not batch.accepted:
        nothing = InputRefused("no file was chosen", advice="choose a picture or a video")
        return _home(request, caller, runtime, nothing)
    only = batch.accepted[0].id if len(batch.accepted) == 1 else None
    return RedirectResponse(f"/verifications/{only}" if only else "/verifications", 303)


@router.get("/verifications")
def show_list(
    request: Request, caller: Person, runtime: Parts, cursor: Cursor = None
) -> HTMLResponse:
    """Verifications of this person, newest first."""
    found = api.list_verifications(caller, runtime, limit=50, cursor=cursor)
    waiting = sum(item.status in ("queued", "running") for item in found.items)
    return page(
        request,
        "verifications.html",
        "verify",
        items=[_line(item) for item in found.items],
        next=found.next,
        waiting=waiting,
    )


@router.get("/verifications/{id}")
def show_verification(request: Request, caller: Person, runtime: Parts, id: Id) -> HTMLResponse:
    """The result, or how far it is. Whoever is let in and has the address may read it."""
    record = runtime.find(id)
    may_delete = caller.sees_all or record.caller == caller.id
    name = record.name or "The picture"
    if record.problem is not None:
        return page(
            request,
            "failed.html",
            "verify",
            id=id,
            name=name,
            problem={"advice": None, **record.problem},
            may_delete=may_delete,
        )
    if record.result is None:
        shown = steps.steps(runtime.records.events(id))
        told = steps.told(shown)
        return page(request, "progress.html", "verify", id=id, name=name, steps=shown, told=told)
    verification = Verification.model_validate_json(record.result)
    works = work_pictures.find(runtime.records.engine, named_works(verification))
    shown_result = result(
        verification,
        address=f"/verifications/{id}",
        link=str(request.url.replace(query="", fragment="")),
        has_media=record.media is not None,
        may_delete=may_delete,
        sealed=can_sign(),
        works=works,
    )
    return page(
        request,
        "result.html",
        "verify",
        result=shown_result,
        retention=_retention(),
        sharing="Whoever may use this service and has this link can read the result.",
    )


@router.get("/verifications/{id}/progress", response_class=EventSourceResponse)
async def follow(caller: Person, runtime: Parts, id: Id) -> AsyncIterator[ServerSentEvent]:
    """The list of examiners as parts of a page, then the event `finished`."""
    async with runtime.watcher.follow(id) as news:
        while True:
            news.clear()
            record = await run_in_threadpool(runtime.records.get, id)
            if record is None or record.is_finished:
                yield ServerSentEvent(raw_data="finished", event="finished")
                return
            if stopping.is_set():
                return
            shown = steps.steps(await run_in_threadpool(runtime.records.events, id))
            told = steps.told(shown)
            html = render("progress_part.html", steps=shown, told=told)
            yield ServerSentEvent(raw_data=html)
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), api.LOOK_FOR_THE_END)


@router.get("/verifications/{id}/pictures/{name}.png")
def show_picture(caller: Person, runtime: Parts, id: Id, name: str) -> Response:
    """A picture that a child process drew anew: never the bytes that were uploaded."""
    png = report.picture(runtime, runtime.find(id), name)
    headers = {**ATTACHED, "Content-Disposition": "inline"}
    return Response(png, 200 if png else 404, media_type="image/png", headers=headers)


@router.get("/verifications/{id}/explanation")
def show_explanation(request: Request, caller: Person, runtime: Parts, id: Id) -> HTMLResponse:
    """What stands behind the classifier's score; drawn when somebody asks for it."""
    record = runtime.find(id)
    return page(
        request,
        "explanation.html",
        "verify",
        name=record.name or "the picture",
        back=f"/verifications/{id}",
        explanation=report.explanation(runtime, record),
        data_uri=data_uri,
    )


@router.get("/verifications/{id}/original")
def show_original(request: Request, caller: Person, runtime: Parts, id: Id) -> HTMLResponse:
    """The Content Credentials of the signed file that this is a copy of."""
    record = runtime.find(id)
    if record.result is None:
        raise NotFinished("there is no result yet")
    found = report.original(Verification.model_validate_json(record.result))
    return page(
        request,
        "original.html",
        "verify",
        name=record.name or "the picture",
        back=f"/verifications/{id}",
        told=credentials.recovered(describe(found)) if found else None,
        manifest=json.dumps(found.raw.get("reader"), indent=2, ensure_ascii=False) if found else "",
    )


@router.get("/verifications/{id}/report.zip")
def download_report(caller: Person, runtime: Parts, id: Id) -> Response:
    """The report as page and as JSON, with the signatures of both where this service signs."""
    record = runtime.find(id)
    headers = {**ATTACHED, "Content-Disposition": attachment(f"verification-{id[:8]}.zip")}
    data = report.archive(runtime, record)
    return Response(data, media_type="application/zip", headers=headers)


@router.get("/verifications/{id}/report.json")
def download_json(caller: Person, runtime: Parts, id: Id) -> Response:
    """The result for programs."""
    return api.get_json_report(runtime.find(id))


@router.get("/verifications/{id}/delete")
def ask_to_delete(request: Request, caller: Person, runtime: Parts, id: Id) -> HTMLResponse:
    """Deleting cannot be undone, so it is asked for twice."""
    record = runtime.find(id, None if caller.sees_all else caller.id)
    return page(
        request,
        "delete.html",
        "verify",
        what=record.name or "this verification",
        consequence="The file, the result and everything made from them are deleted. "
        "Links to the result lead nowhere from then on.",
        action=f"/verifications/{id}/delete",
        back=f"/verifications/{id}",
    )


@router.post("/verifications/{id}/delete")
def delete(caller: Person, runtime: Parts, id: Id) -> RedirectResponse:
    """Delete for good."""
    runtime.delete(id, None if caller.sees_all else caller.id)
    return RedirectResponse("/verifications", 303)


def _told_what_became_of(
    request: Request, caller: Caller, runtime: Runtime, batch: Batch
) -> HTMLResponse:
    """Which files go on and which do not, when not all of them do."""
    if not batch.accepted and len(batch.refused) == 1 and not batch.left_out:
        one = batch.refused[0]
        refusal = InputRefused(f"{one.name}: {one.why}", advice=one.advice)
        return _home(request, caller, runtime, refusal, status=one.status)
    return page(
        request,
        "taken_in.html",
        "verify",
        status=200 if batch.accepted else batch.refused[0].status,
        batch=batch,
        most=MOST_FILES,
    )


def _home(
    request: Request,
    caller: Caller,
    runtime: Runtime,
    refusal: AssayError | None = None,
    *,
    status: int | None = None,
) -> HTMLResponse:
    """The drop zone, with what was refused; its status is that of the refusal, or `status`."""
    found = api.list_verifications(caller, runtime, limit=RECENT)
    return page(
        request,
        "home.html",
        "verify",
        status=status or (status_of(refusal) if refusal else 200),
        error=refusal,
        recent=[_line(item) for item in found.items],
        url_input=settings().allow_url_input,
        most_bytes=settings().limits.max_bytes,
        retention=f"Files stay on this service. {_retention()}",
    )


def _line(item: VerificationSummary) -> Line:
    words = {"queued": "waiting", "running": "being examined", "failed": "not examined"}
    if item.status == "done" and item.category in HEADLINES:
        return Line(item.id, item.name, HEADLINES[item.category], item.created)
    return Line(item.id, item.name, words.get(item.status, item.status), item.created)


def _retention() -> str:
    hours = settings().retention_hours
    return f"The file is deleted after {hours:g} hours; its result and its hash are kept."

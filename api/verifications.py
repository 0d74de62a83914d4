"""`/v1/verifications` and `/v1/media:check`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Annotated, Any

from fastapi import APIRouter, Depends, File, Form, Header, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from assay.api.accepting import (
    accept_direct,
    accept_upload,
    accept_url,
    json_source,
    seconds_to_wait,
)
from assay.api.access import Caller, require
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.operations.serving import stopping
from assay.api.paging import Cursor, Id, Limit, cursor_after, newest_first
from assay.api.problems import InvalidRequest, Problem, respond, responses
from assay.api.records import Record
from assay.api.records.schema import verifications
from assay.api.records.store import UNFINISHED, Priority, record_of
from assay.api.runtime import Runtime, runtime_of
from assay.api.uploads import ATTACHED, attachment, file_name
from assay.api.verification_resources import (
    Accepted,
    Checked,
    Hashes,
    Known,
    NotFinished,
    Source,
    UploadId,
    VerificationPage,
    VerificationResource,
    VerificationSummary,
)
from assay.evidence import Verification

LOOK_FOR_THE_END = 1.0  # seconds after which a stream sees that the service stops

router = APIRouter(tags=["verifications"], route_class=IdempotentRoute, responses=responses())

MayVerify = Annotated[Caller, Depends(require("verify"))]
Parts = Annotated[Runtime, Depends(runtime_of)]


@router.post(
    "/v1/verifications",
    summary="Examine one picture or video",
    response_model=Verification,
    responses={
        200: {
            "description": "The result. `Location` is its lasting address.",
            "headers": {
                "Location": {"schema": {"type": "string"}},
                "Assay-Verification-Id": {"schema": {"type": "string"}},
            },
        },
        202: {
            "model": Accepted,
            "description": "It is queued or at work.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **responses(400, 404, 409, 410, 413, 415, 422, 503),
    },
    openapi_extra={
        "requestBody": {
            "content": {"application/json": {"schema": Source.model_json_schema()}},
        }
    },
)
async def create_verification(
    request: Request,
    caller: MayVerify,
    runtime: Parts,
    file: Annotated[UploadFile | None, File(description="The picture or video to examine.")] = None,
    url: Annotated[
        str | None,
        Form(max_length=8000, description="Instead of a file, where this service allows it."),
    ] = None,
    upload: Annotated[
        UploadId | None,
        Form(description="Instead of a file, the id of one that was put with `POST /v1/uploads`."),
    ] = None,
    priority: Annotated[
        Priority, Form(description="`batch` waits until nothing `live` is queued.")
    ] = "live",
    prefer: Annotated[
        str | None,
        Header(
            description="`wait=N`: answer 200 within N seconds if there is a result (20 unless "
            "said, at most 60), else 202. `respond-async`: answer 202 at once. RFC 7240.",
            examples=["wait=20"],
        ),
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Send the file as `multipart/form-data`; it is judged by its content, not by its name. A
    large one can go past the service: `POST /v1/uploads`, then send its id here. Asked again
    with that id, the service answers with the same verification.

    The file is deleted after the service's retention time; the result stays until it is
    deleted. A file that cannot be examined is refused with a problem.
    """
    if request.headers.get("content-type", "").startswith("application/json"):
        source = await json_source(request)
        url, upload, priority = source.url, source.upload, source.priority
    wait = seconds_to_wait(prefer)
    if sum(given is not None for given in (file, url, upload)) != 1:
        raise InvalidRequest("send one of `file`, `url` and `upload`")
    if file is not None:
        record = await run_in_threadpool(
            accept_upload, runtime, file.file, file_name(file), caller.id, priority
        )
    elif upload is not None:
        record = await run_in_threadpool(accept_direct, runtime, upload, caller.id, priority)
    else:
        record = await run_in_threadpool(accept_url, runtime, str(url), caller.id, priority)
    found = await runtime.watcher.finished(record.id, wait) if wait else record
    answer = _answer(record.id, found, request.url.path)
    if prefer:
        answer.headers["Preference-Applied"] = f"wait={wait:g}" if wait else "respond-async"
    return answer


@router.get("/v1/verifications", summary="Verifications", responses=responses(422))
def list_verifications(
    caller: MayVerify, runtime: Parts, limit: Limit = 50, cursor: Cursor = None
) -> VerificationPage:
    """Those of the caller, newest first."""
    query = newest_first(verifications, caller, limit=limit, cursor=cursor)
    with runtime.records.engine.connect() as connection:
        found = [record_of(row) for row in connection.execute(query).mappings()]
    shown = found[:limit]
    more = len(found) > limit
    return VerificationPage(
        items=[VerificationSummary(**_summary(record)) for record in shown],
        next=cursor_after(shown[-1].created, shown[-1].id) if more else None,
    )


@router.get("/v1/verifications/{id}", summary="One verification", responses=responses(404, 422))
def get_verification(caller: MayVerify, runtime: Parts, id: Id) -> VerificationResource:
    """As it stands."""
    record = runtime.find(id, _owner(caller))
    result = Verification.model_validate_json(record.result) if record.result else None
    problem = Problem.model_validate(record.problem) if record.problem else None
    return VerificationResource(**_summary(record), verification=result, problem=problem)


@router.delete(
    "/v1/verifications/{id}",
    status_code=204,
    summary="Delete a verification",
    responses=responses(404, 422, 503),
)
def delete_verification(caller: MayVerify, runtime: Parts, id: Id) -> None:
    """The file, the result and everything made from them are gone when this answers."""
    runtime.delete(id, _owner(caller))


def find_record(caller: MayVerify, runtime: Parts, id: Id) -> Record:
    """The record that an address names, as a dependency; the caller may see it.

    Raises:
        UnknownVerification: there is none that this caller may see.
    """
    return runtime.find(id, _owner(caller))


@router.get(
    "/v1/verifications/{id}/events",
    summary="Progress, as it happens",
    response_class=EventSourceResponse,
    responses=responses(404, 422),
)
async def get_events(
    record: Annotated[Record, Depends(find_record)],
    runtime: Parts,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Continue after this event.")
    ] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `started`, `examined` for every examiner that finished, then `done`,
    `failed` or `deleted`, after which the stream ends."""
    last = int(last_event_id) if last_event_id and last_event_id.isdecimal() else 0
    async with runtime.watcher.follow(record.id) as news:
        while True:
            news.clear()
            now = await run_in_threadpool(runtime.records.get, record.id)
            for event in await run_in_threadpool(runtime.records.events, record.id, after=last):
                last = event.number
                yield ServerSentEvent(data=event.data, event=event.kind, id=str(event.number))
            if now is None:
                yield ServerSentEvent(data={}, event="deleted")
                return
            if now.is_finished or stopping.is_set():
                return
            with suppress(TimeoutError):
                await asyncio.wait_for(news.wait(), LOOK_FOR_THE_END)


@router.get(
    "/v1/verifications/{id}/report.html",
    summary="The result as a page",
    response_class=HTMLResponse,
    responses=responses(404, 409, 410, 422, 503),
)
def get_html_report(
    record: Annotated[Record, Depends(find_record)], runtime: Parts
) -> HTMLResponse:
    """It loads nothing and runs nothing; without the picture once the media are deleted."""
    from assay.reports.verification import render_html

    verification = Verification.model_validate_json(_result(record))
    html = render_html(verification, picture=runtime.picture(record))
    return HTMLResponse(html, headers=REPORT_HEADERS)


@router.get(
    "/v1/verifications/{id}/report.json",
    summary="The result as a file",
    response_model=Verification,
    responses=responses(404, 409, 410, 422),
)
def get_json_report(record: Annotated[Record, Depends(find_record)]) -> Response:
    """The `Verification` alone, to be saved."""
    headers = {
        **ATTACHED,
        "Content-Disposition": attachment(f"verification-{record.id}.json"),
    }
    return Response(_result(record), media_type="application/json", headers=headers)


@router.post(
    "/v1/media:check",
    summary="Which files were verified before",
    responses=responses(400, 409, 422),
)
def check_media(caller: MayVerify, runtime: Parts, hashes: Hashes) -> Checked:
    """Hash first, upload only what is unknown."""
    found = runtime.records.known(_owner(caller), set(hashes.sha256))
    return Checked(
        known=[Known(sha256=sha256, verification=id) for sha256, id in sorted(found.items())],
        unknown=[sha256 for sha256 in dict.fromkeys(hashes.sha256) if sha256 not in found],
    )


REPORT_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def _answer(id: str, record: Record | None, instance: str) -> Response:
    headers = {"Location": f"/v1/verifications/{id}", "Assay-Verification-Id": id}
    if record is None:
        raise NotFinished("the verification was deleted meanwhile")
    if record.problem is not None:
        problem = {**record.problem, "instance": instance}
        return respond(record.problem["status"], problem, headers)
    if record.result is not None:
        return Response(record.result, media_type="application/json", headers=headers)
    waiting = Accepted(id=id, status=record.status).model_dump()
    return JSONResponse(waiting, 202, {**headers, "Retry-After": "2"})


def _result(record: Record) -> str:
    """The JSON of a finished verification.

    Raises:
        NotFinished: there is none yet, or the file could not be examined.
    """
    if record.status in UNFINISHED:
        raise NotFinished("the examination goes on", advice="ask again in a moment")
    if record.result is None:
        raise NotFinished("the file could not be examined; the verification says why")
    return record.result


def _summary(record: Record) -> dict[str, Any]:
    return {name: getattr(record, name) for name in VerificationSummary.model_fields}


def _owner(caller: Caller) -> str | None:
    return None if caller.sees_all else caller.id

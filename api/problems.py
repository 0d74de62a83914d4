"""Every error as an RFC 9457 problem document.

An error class of `assay.api` states its own status (`assay.api.errors.ServiceError`); the table
below gives one to the errors of the other rooms. `responses` documents what an operation may
answer, and a test compares the two.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route

from assay.api.advice import advice_for_callers
from assay.api.capacity import Busy
from assay.api.database_away import DatabaseAway, is_of_database
from assay.api.description import add_examples
from assay.api.errors import ServiceError
from assay.api.media_store import MediaGone, StoreUnavailable
from assay.errors import (
    AlreadyMarked,
    AssayError,
    ConfigurationError,
    InputRefused,
    KeysUnavailable,
    LimitExceeded,
    MarkFailed,
    MissingExtra,
    UnsupportedMedia,
)
from assay.provenance.matching.errors import NotRegistered
from assay.provenance.softbinding import BadQuery, UnknownManifest, UnsupportedAlgorithm

MEDIA_TYPE = "application/problem+json"
API_PREFIXES = ("/v1/", "/c2pa/", "/metrics")  # programs call these; people see everything else
SIGN_IN = "/sign-in"

# The first match decides; anything else is our own failure.
_STATUS: tuple[tuple[type[AssayError], int], ...] = (
    (BadQuery, 400),
    (UnsupportedAlgorithm, 400),
    (UnknownManifest, 404),
    (NotRegistered, 404),
    (AlreadyMarked, 409),
    (MediaGone, 410),
    (LimitExceeded, 413),
    (UnsupportedMedia, 415),
    (MarkFailed, 422),
    (InputRefused, 422),
    (KeysUnavailable, 503),
    (Busy, 503),
    (StoreUnavailable, 503),
    (MissingExtra, 501),
    (ConfigurationError, 500),
)

_MEANINGS = {
    400: "The request cannot be read.",
    401: "No valid API key, token or session was sent, and this service asks for one.",
    403: "The caller may not do this.",
    404: "There is nothing of this id that the caller may see.",
    409: "The request contradicts what is there: a file that is already marked, a state, or an "
    "Idempotency-Key that was used for another request or is still at work.",
    410: "It was here and has been deleted.",
    413: "The body, or the content in it, is over a limit (bytes, pixels, frames or seconds).",
    415: "The content is not a media type that Assay handles.",
    422: "The file is empty, damaged or a polyglot, or the request is not valid.",
    429: "Too many requests; Retry-After says when to come back.",
    500: "The service failed; its log says why, under the request id.",
    501: "A part that this needs is not installed here.",
    503: "Too much at once, or not ready; Retry-After says when to come back.",
}
_ALWAYS = (401, 403, 429)  # any operation that asks who calls


class InvalidRequest(ServiceError):
    """The request is not valid."""

    code = "invalid-request"
    http_status = 422


class MalformedRequest(ServiceError):
    """The request cannot be read."""

    code = "malformed-request"
    http_status = 400


class UnknownAddress(ServiceError):
    """There is nothing at this address that the caller may see."""

    code = "not-found"
    http_status = 404


class MethodNotAllowed(ServiceError):
    """The address does not answer to this method."""

    code = "method-not-allowed"
    http_status = 405


class InternalError(ServiceError):
    """The service failed; its log says why, under the request id."""

    code = "internal-error"
    http_status = 500


class Problem(BaseModel):
    """An RFC 9457 problem document."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(
        description="Stable: `urn:assay:problem:` and a code.",
        examples=["urn:assay:problem:unsupported-media"],
    )
    title: str
    status: int
    detail: str
    advice: str | None = Field(default=None, description="What to do about it.")
    instance: str | None = Field(default=None, description="Path of the request.")
    request_id: str | None = Field(default=None, description="Also in logs and `X-Request-Id`.")


_CONTENT = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}

_PLAIN = {
    kind.http_status: kind
    for kind in (MalformedRequest, UnknownAddress, MethodNotAllowed, InvalidRequest, InternalError)
}


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(AssayError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    _describe(app)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What an operation documents: these statuses and those of asking who calls."""
    return {
        status: {"description": _MEANINGS[status], "content": _CONTENT}
        for status in sorted({*statuses, *_ALWAYS})
    }


def status_of(error: AssayError | type[AssayError]) -> int:
    """The HTTP status that fits an error."""
    kind = error if isinstance(error, type) else type(error)
    if issubclass(kind, ServiceError):
        return kind.http_status
    return next((status for known, status in _STATUS if issubclass(kind, known)), 500)


def document(error: AssayError, *, instance: str | None = None) -> dict[str, Any]:
    """The problem document of an error; our own failures tell no particulars."""
    status = status_of(error)
    if status == 500 and not isinstance(error, InternalError):
        structlog.get_logger("assay").error("failed", problem=error.code, detail=error.message)
        error = InternalError("the service is not able to do this; its log says more")
    told = {**error.problem(instance=instance), "advice": advice_for_callers(error)}
    return {name: value for name, value in told.items() if value} | {"status": status}


def respond(
    status: int, document: dict[str, Any], headers: dict[str, str] | None = None
) -> JSONResponse:
    """A problem document with its status as a response."""
    named = {"request_id": request_id} if (request_id := _request_id()) else {}
    return JSONResponse(
        {**document, **named, "status": status}, status, headers=headers, media_type=MEDIA_TYPE
    )


def answer(error: AssayError, *, instance: str | None = None) -> JSONResponse:
    """The response to an error, with the headers that belong to it."""
    headers = error.headers() if isinstance(error, ServiceError) else None
    if isinstance(error, Busy):
        headers = {"Retry-After": "60"}
    return respond(status_of(error), document(error, instance=instance), headers)


def _describe(app: FastAPI) -> None:
    """Put the problem document into the API's description, in place of the framework's own."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas.pop("HTTPValidationError", None)
        schemas.pop("ValidationError", None)
        schemas["Problem"] = Problem.model_json_schema()
        for path in schema["paths"].values():
            for operation in path.values():
                _complete(operation)
        add_examples(schema)
        return schema

    app.openapi = described  # type: ignore[method-assign]


def _complete(operation: dict[str, Any]) -> None:
    """What the framework may answer itself: bodies that cannot be read, values that do not fit."""
    documented = operation["responses"]
    described = {
        status: {"description": _MEANINGS[status], "content": _CONTENT} for status in (400, 422)
    }
    if "application/json" in documented.get("422", {}).get("content", {}):
        documented["422"] = described[422]
    if "requestBody" in operation:
        documented.setdefault("400", described[400])


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AssayError)
    if status_of(error) == 500 and is_of_database(error.__cause__):
        error = DatabaseAway()  # a registry or log that was refused it
    return answer(error, instance=request.url.path)


def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    where = [
        {"field": ".".join(str(part) for part in item["loc"]), "detail": item["msg"]}
        for item in error.errors()
    ]
    told = "; ".join(f"{item['field']}: {item['detail']}" for item in where)
    problem = InvalidRequest(told).problem(instance=request.url.path)
    return respond(422, {**problem, "errors": where})


def _http(request: Request, error: Exception) -> Response:
    """What the framework refuses itself: unknown paths, wrong methods, unreadable bodies."""
    assert isinstance(error, HTTPException)
    status, detail = error.status_code, str(error.detail)
    if status == 413:
        problem = LimitExceeded(detail).problem(instance=request.url.path)
    elif status in _PLAIN:
        problem = _PLAIN[status](detail).problem(instance=request.url.path)
    else:
        title = HTTPStatus(status).phrase
        problem = {"type": "about:blank", "title": title, "detail": detail}
    if _is_for_a_person(request):
        from assay.api.pages.refusing import told  # pages use this module

        return told(request, {**problem, "status": status})
    headers = dict(error.headers or {})
    if status == 405:
        headers["Allow"] = ", ".join(sorted(_methods_at(request)))
    return respond(status, {**problem}, headers=headers)


def _is_for_a_person(request: Request) -> bool:
    """Whether a browser asks for a page, so that the refusal should be one."""
    accepted = request.headers.get("accept", "")
    return "text/html" in accepted and not request.url.path.startswith(API_PREFIXES)


def _methods_at(request: Request) -> set[str]:
    """What the address answers to; the framework names the methods of one route only."""
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [r for r in routes if r.matches(dict(request.scope))[0] is not Match.NONE]
    return {method for route in matching for method in route.methods or ()}


def _request_id() -> str | None:
    found = structlog.contextvars.get_contextvars().get("request_id")
    return None if found is None else str(found)

"""Every error as an RFC 9457 problem document."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from assay.api.capacity import Busy
from assay.errors import (
    AssayError,
    ConfigurationError,
    InputRefused,
    KeysUnavailable,
    LimitExceeded,
    UnsupportedMedia,
)
from assay.provenance.softbinding import BadQuery, UnknownManifest, UnsupportedAlgorithm

MEDIA_TYPE = "application/problem+json"

# The first match decides; anything else is our own failure.
_STATUS: tuple[tuple[type[AssayError], int], ...] = (
    (BadQuery, 400),
    (UnsupportedAlgorithm, 400),
    (UnknownManifest, 404),
    (LimitExceeded, 413),
    (UnsupportedMedia, 415),
    (InputRefused, 422),
    (KeysUnavailable, 503),
    (Busy, 503),
    (ConfigurationError, 500),
)


def install(app: FastAPI) -> None:
    """Answer every error of the application with a problem document."""
    app.add_exception_handler(AssayError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)


def status_of(error: AssayError) -> int:
    """The HTTP status that fits an error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def respond(
    status: int, document: dict[str, object], headers: dict[str, str] | None = None
) -> JSONResponse:
    """A problem document with its status as a response."""
    return JSONResponse(
        {**document, "status": status}, status, headers=headers, media_type=MEDIA_TYPE
    )


def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AssayError)
    headers = {"Retry-After": "60"} if isinstance(error, Busy) else None
    return respond(status_of(error), {**error.problem(instance=request.url.path)}, headers)


def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    where = [
        {"field": ".".join(str(part) for part in item["loc"]), "detail": item["msg"]}
        for item in error.errors()
    ]
    return respond(
        422,
        {
            "type": "urn:assay:problem:invalid-request",
            "title": "The request is not valid",
            "detail": "; ".join(f"{item['field']}: {item['detail']}" for item in where),
            "errors": where,
            "instance": request.url.path,
        },
    )


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = LimitExceeded.code if error.status_code == 413 else f"http-{error.status_code}"
    return respond(
        error.status_code,
        {
            "type": f"urn:assay:problem:{code}",
            "title": str(error.detail),
            "detail": str(error.detail),
            "instance": request.url.path,
        },
        headers=dict(error.headers or {}),
    )

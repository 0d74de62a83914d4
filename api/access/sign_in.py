"""`/sign-in` and `/sign-out`: how a person on the page says who they are."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from assay.api.access import attempts
from assay.api.access.anonymous import refuse_cross_site
from assay.api.access.errors import TooManyAttempts, Unauthenticated
from assay.api.access.identifying import address_of, identify
from assay.api.access.keys import KeyStore
from assay.api.access.sessions import (
    SessionStore,
    cookie_of,
    delete_cookie,
    refuse_forged,
    set_cookie,
)
from assay.api.errors import ServiceError
from assay.api.pages.rendering import page
from assay.api.records import open_database

router = APIRouter(include_in_schema=False)


@router.get("/sign-in", response_class=HTMLResponse)
async def show_sign_in(request: Request, next: str = "/") -> Response:
    """The form."""
    return _form(request, next)


@router.post("/sign-in", response_class=HTMLResponse)
async def sign_in(
    request: Request, key: Annotated[str, Form()], next: Annotated[str, Form()] = "/"
) -> Response:
    """Start a session with an API key."""
    refuse_cross_site(request)
    try:
        token = await to_thread.run_sync(_start, key.strip(), address_of(request))
    except (Unauthenticated, TooManyAttempts) as refusal:
        return _form(request, next, refusal)
    response = RedirectResponse(_own(next), HTTPStatus.SEE_OTHER)
    set_cookie(request, response, token)
    return response


@router.post("/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    caller = await identify(request)
    if caller is not None:
        await refuse_forged(request, caller)
    token = cookie_of(request)
    if token is not None:
        await to_thread.run_sync(SessionStore(open_database()).end, token)
    response = RedirectResponse("/sign-in", HTTPStatus.SEE_OTHER)
    delete_cookie(request, response)
    return response


def _start(written: str, address: str) -> str:
    attempts.refuse_if_too_many(address)
    key = KeyStore(open_database()).recognise(written)
    if key is None:
        attempts.note_failure(address)
        raise Unauthenticated("this is not a valid API key")
    return SessionStore(open_database()).start(key)


def _own(address: str) -> str:
    """An address on this service, whatever was asked for (no open redirect)."""
    bare = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if bare and address.isprintable() and "\\" not in address else "/"


def _form(request: Request, next: str, refusal: ServiceError | None = None) -> HTMLResponse:
    status, told = (refusal.http_status, refusal.message) if refusal else (200, None)
    return page(request, "sign_in.html", "sign-in", status=status, next=_own(next), refusal=told)

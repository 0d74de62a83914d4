"""`Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07) for requests that create.

A key belongs to its caller. The same request sent again gets the stored answer; another request
with the key, or one sent while the first is at work, gets a conflict. A multipart body is
compared by its fields and files, since every client draws a new boundary.

Whoever is at work says so every few seconds. When that stops, its process is gone, and the next
request with the key takes over. What a request writes `with_answer` is there together with its
answer or not at all: a process that dies, or is taken for dead, leaves nothing behind twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Annotated, Any

from anyio import CancelScope, CapacityLimiter, sleep, to_thread
from anyio.lowlevel import RunVar
from fastapi import Header, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import UploadFile

from assay.api.access.identifying import identify
from assay.api.errors import ServiceError
from assay.api.problems import InvalidRequest
from assay.api.reservations import (
    Change,
    Reservation,
    changes_of_request,
    forget,
    resource_of,
)

HEADER = "Idempotency-Key"
LONGEST_KEY = 255
BEAT_SECONDS = 2.0  # between two signs of life of whoever is at work
# Threads of their own: signs of life do not wait for requests that fill all the others.
_AT_ONCE = 4
_threads: RunVar[CapacityLimiter] = RunVar("assay-idempotency-threads")

_log = logging.getLogger("assay")


IdempotencyKey = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="Any text of your own, such as a UUID: the same request sent again with it "
        "gets the first answer instead of being done twice.",
        min_length=1,
        max_length=LONGEST_KEY,
    ),
]
"""Declared by operations, so that it is documented; `IdempotentRoute` does the work."""


class IdempotentRoute(APIRoute):
    """The route class of routers whose POST operations create something."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler that answers again, and forgets answers about what was deleted."""
        plain = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if request.method == "DELETE":
                return await _forgetting(request, plain)
            key = request.headers.get(HEADER) if request.method == "POST" else None
            caller = await identify(request) if key is not None else None
            if key is None or caller is None:
                return await plain(request)
            if not 1 <= len(key) <= LONGEST_KEY or not key.isascii() or not key.isprintable():
                raise InvalidRequest(f"{HEADER}: 1 to {LONGEST_KEY} printable ASCII characters")
            reservation = Reservation(caller.id, key, await _fingerprint(request))
            return await _once(request, reservation, plain)

        return handler


async def _once(
    request: Request,
    reservation: Reservation,
    plain: Callable[[Request], Coroutine[Any, Any, Response]],
) -> Response:
    """Do the request, unless it was done."""
    try:
        stored = await to_thread.run_sync(reservation.take)
    except ServiceError:
        await request.close()  # nobody else will read the upload
        raise
    if stored is not None:
        await request.close()
        return stored
    answered = False
    changes: list[Change] = []
    token = changes_of_request.set(changes)
    try:
        async with _alive(reservation):
            response = await plain(request)
        # A refusal is not kept: the caller may mend the request and send it again.
        if response.status_code < 400:
            await to_thread.run_sync(reservation.answer, response, changes)
            answered = True
        return response
    finally:
        changes_of_request.reset(token)
        if not answered:
            with CancelScope(shield=True):  # also when the client has gone
                await to_thread.run_sync(reservation.release)


@asynccontextmanager
async def _alive(reservation: Reservation) -> AsyncIterator[None]:
    """Say every few seconds that the request is at work."""

    async def beat() -> None:
        while True:
            await sleep(BEAT_SECONDS)
            try:
                await to_thread.run_sync(reservation.renew, limiter=_limiter())
            except SQLAlchemyError as error:
                _log.warning("a sign of life could not be written: %s", error)

    # The request runs in this task, the signs of life in one beside it: an error of the request
    # passes as it is.
    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()


async def _forgetting(
    request: Request, plain: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    response = await plain(request)
    resource = resource_of(request.url.path)
    if response.status_code < 300 and resource is not None:
        await to_thread.run_sync(forget, resource)
    return response


async def _fingerprint(request: Request) -> str:
    """SHA-256 of method, address and content."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    digest.update(kind.encode())
    if kind not in ("multipart/form-data", "application/x-www-form-urlencoded"):
        digest.update(await request.body())
        return digest.hexdigest()
    for name, value in (await request.form()).multi_items():
        if isinstance(value, UploadFile):
            content = await to_thread.run_sync(_hash_file, value)
            part = f"file\0{name}\0{value.filename}\0{content}"
        else:
            part = f"text\0{name}\0{value}"
        digest.update(hashlib.sha256(part.encode("utf-8", "surrogatepass")).digest())
    return digest.hexdigest()


def _hash_file(file: UploadFile) -> str:
    file.file.seek(0)
    found = hashlib.file_digest(file.file, "sha256").hexdigest()  # type: ignore[arg-type]
    file.file.seek(0)
    return found


def _limiter() -> CapacityLimiter:
    try:
        return _threads.get()
    except LookupError:
        _threads.set(CapacityLimiter(_AT_ONCE))
        return _threads.get()

"""A limit on request bodies whose refusal is a problem document.

FastAPI's own `max_body_size` answers in plain text before any error handler is asked.
"""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api.problems import MalformedRequest, respond
from assay.errors import LimitExceeded


class OneLength:
    """ASGI middleware: refuses a body of two lengths.

    A proxy may have believed the other one, and taken a second request for a part of the body.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if "transfer-encoding" in headers and "content-length" in headers:
                unclear = MalformedRequest("the request has two lengths")
                document = {**unclear.problem(instance=scope["path"])}
                await respond(400, document, {"Connection": "close"})(scope, receive, send)
                return
        await self.app(scope, receive, send)


class BodyLimit:
    """ASGI middleware: refuses a declared length, cuts off a body that grows over the limit."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            error = self._error()
            await respond(413, {**error.problem(instance=scope["path"])})(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.max_bytes:
                # The one kind of exception that FastAPI lets through while it parses a form.
                raise HTTPException(413, self._error().message)
            return message

        await self.app(scope, counted, send)

    def _error(self) -> LimitExceeded:
        return LimitExceeded(f"the request is over the limit of {self.max_bytes:,} bytes")

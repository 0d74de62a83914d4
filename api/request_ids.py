"""One id for a request, in its response, its log lines, its trace and its problem document."""

from __future__ import annotations

import re
from uuid import uuid4

import structlog
from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-Id"
# What a caller may choose: it is written to logs, so nothing that could break a line.
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIds:
    """ASGI middleware: takes the caller's id, or makes one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        chosen = Headers(scope=scope).get(HEADER, "")
        request_id = chosen if _ACCEPTED.fullmatch(chosen) else uuid4().hex
        trace.get_current_span().set_attribute("assay.request_id", request_id)

        async def with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            await self.app(scope, receive, with_id)

"""Headers that every answer carries, unless the operation says otherwise."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    # No page of another site shows a picture or runs a script of this service.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
}
_NOT_KEPT = {"Cache-Control": "no-store"}
_OVER_TLS = {"Strict-Transport-Security": "max-age=31536000"}


class ResponseHeaders:
    """ASGI middleware: adds what is missing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        wanted = dict(_ALWAYS)
        if not scope["path"].startswith("/static/"):
            wanted |= _NOT_KEPT
        if scope["scheme"] == "https":
            wanted |= _OVER_TLS

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in wanted.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)

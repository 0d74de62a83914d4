"""Strangers are turned away before a byte of their upload is read."""

from __future__ import annotations

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.api.access.identifying import identify
from assay.api.access.requiring import known
from assay.api.problems import API_PREFIXES, answer
from assay.errors import AssayError

OPEN = ("/healthz", "/readyz", "/static/")  # nobody is asked who they are


class Gate:
    """ASGI middleware: finds out who calls; under the API's prefixes someone must."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN):
            scope["assay.caller"] = None
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        try:
            if scope["path"].startswith(API_PREFIXES):
                await known(request)
            else:
                await identify(request)
        except AssayError as refusal:
            await answer(refusal, instance=scope["path"])(scope, receive, send)
            return
        await self.app(scope, receive, send)

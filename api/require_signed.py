"""ASGI middleware that sends pictures, video and sound only with a trusted manifest.

    app.add_middleware(RequireSigned, signers={"Example Studio"}, exempt=("/static/",))

It works with every ASGI application and is the last line behind generators and gates: what
reaches a client through it carries Content Credentials that our own reader trusts.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Collection
from hashlib import sha256

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api.errors import ServiceError
from assay.api.problems import respond
from assay.errors import AssayError
from assay.provenance.credentials import Credentials
from assay.provenance.formats import guess_media_type
from assay.provenance.reading import read

MAX_BYTES = 100_000_000
"""Largest answer that is held back to be checked, as `Limits.max_bytes`."""
REMEMBERED_SECONDS = 60.0
"""How long the same bytes are not checked again; a revoked certificate counts after it."""
_REMEMBERED = 1024
_MEDIA = ("image/", "video/", "audio/")
_SEVERAL_PARTS = ("multipart/byteranges", "multipart/x-mixed-replace")
_RANGE_HEADERS = (b"range", b"if-range")
_FILE_EXTENSIONS = ("http.response.pathsend", "http.response.zerocopysend")
_PARTIAL_CONTENT = 206
_WITHOUT_BODY = (204, 304)


class UnsignedMedia(ServiceError):
    """A picture, video or sound without a trusted manifest was held back."""

    code = "unsigned-media"
    http_status = 502


class RequireSigned:
    """Holds media back until their manifest was validated; answers 502 where it does not hold.

    An answer counts as media by its `Content-Type` or by its first bytes. It is buffered
    whole, so media do not stream: clients get it once it was checked. Requests for ranges are
    answered with the whole file (RFC 9110, 14.2 allows that), because a part cannot be
    validated. Compression belongs outside of this middleware. Answers to HEAD, and what an
    application sends over WebSocket or inside JSON and HTML, are not looked at.

    Args:
        app: any ASGI application.
        signers: common names or organizations whose signatures count; None: every signer on
            an installed trust list.
        exempt: beginnings of paths that are not checked, such as icons of the site.
        max_bytes: larger media are refused.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        signers: Collection[str] | None = None,
        exempt: Collection[str] = (),
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self._signers = None if signers is None else frozenset(signers)
        self._exempt = tuple(exempt)
        self._passed: OrderedDict[bytes, float] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (
            scope["type"] != "http"
            or scope["method"] == "HEAD"
            or scope["path"].startswith(self._exempt)
        ):
            await self.app(scope, receive, send)
            return
        await self.app(_whole_file(scope), receive, _Held(self, scope, receive, send))

    async def check(self, body: bytes) -> None:
        """Validate the manifest of a file.

        Raises:
            UnsignedMedia: it has none, it does not hold, or its signer is not one of ours.
        """
        digest = sha256(body).digest()
        if time.monotonic() - self._passed.get(digest, float("-inf")) < REMEMBERED_SECONDS:
            return
        try:
            credentials = await run_in_threadpool(read, body, media_type=guess_media_type(body))
        except AssayError as error:
            raise UnsignedMedia(f"its manifest cannot be read: {error.message}") from error
        self._accept(credentials)
        self._passed[digest] = time.monotonic()
        self._passed.move_to_end(digest)
        while len(self._passed) > _REMEMBERED:
            self._passed.popitem(last=False)

    def _accept(self, credentials: Credentials) -> None:
        if credentials.state != "trusted":
            raise UnsignedMedia(f"the state of its manifest is {credentials.state}")
        signer = credentials.signer
        names = {signer.common_name, signer.organization} if signer else set()
        if self._signers is not None and not names & self._signers:
            raise UnsignedMedia(f"it was signed by {signer}")


class _Held:
    """The `send` of one request: holds an answer until it is known whether it may go."""

    def __init__(self, guard: RequireSigned, scope: Scope, receive: Receive, send: Send) -> None:
        self._guard, self._scope, self._receive, self._send = guard, scope, receive, send
        self._start: Message | None = None
        self._body = bytearray()
        self._is_media: bool | None = None
        self._refused = False

    async def __call__(self, message: Message) -> None:
        if self._refused:
            return
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._is_media is False:
            await self._send(message)
            return
        try:
            await self._take(message)
        except UnsignedMedia as error:
            await self._refuse(error)

    async def _take(self, message: Message) -> None:
        start = self._start
        assert start is not None  # ASGI sends it first
        chunk = message.get("body", b"")
        if self._is_media is None:
            if not chunk and message.get("more_body"):
                return
            self._is_media = bool(chunk) and _is_media(start, chunk)
            if not self._is_media:
                await self._send(start)
                await self._send(message)
                return
            _refuse_parts(start)
        self._body += chunk
        if len(self._body) > self._guard.max_bytes:
            raise UnsignedMedia(f"it is over {self._guard.max_bytes:,} bytes, too large to check")
        if not message.get("more_body"):
            body = bytes(self._body)
            await self._guard.check(body)
            await self._send(start)
            await self._send({"type": "http.response.body", "body": body})

    async def _refuse(self, error: UnsignedMedia) -> None:
        self._refused = True
        self._body.clear()
        path = self._scope["path"]
        structlog.get_logger("assay").warning("media held back", path=path, why=error.message)
        told = UnsignedMedia(
            "the application answered with media that are not signed as they must be",
            advice="the log of the server says why",
        )
        response = respond(told.http_status, {**told.problem(instance=path)})
        response.headers["Cache-Control"] = "no-store"
        await response(self._scope, self._receive, self._send)


def _whole_file(scope: Scope) -> Scope:
    """The request without a range, and without shortcuts that send files past `send`."""
    headers = [pair for pair in scope["headers"] if pair[0].lower() not in _RANGE_HEADERS]
    extensions = {
        name: value
        for name, value in (scope.get("extensions") or {}).items()
        if name not in _FILE_EXTENSIONS
    }
    return {**scope, "headers": headers, "extensions": extensions}


def _is_media(start: Message, chunk: bytes) -> bool:
    if start["status"] in _WITHOUT_BODY:
        return False
    told = Headers(raw=list(start.get("headers", ()))).get("content-type", "").strip().lower()
    if told.startswith((*_MEDIA, *_SEVERAL_PARTS)):
        return True
    return (guess_media_type(chunk) or "").startswith(_MEDIA)


def _refuse_parts(start: Message) -> None:
    headers = Headers(raw=list(start.get("headers", ())))
    if headers.get("content-type", "").strip().lower().startswith(_SEVERAL_PARTS):
        raise UnsignedMedia("it comes in parts, which cannot be validated")
    if start["status"] == _PARTIAL_CONTENT or "content-range" in headers:
        raise UnsignedMedia("it is a part of a file, which cannot be validated")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsignedMedia("it is compressed; add compression outside of RequireSigned")

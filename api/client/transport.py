"""Between the steps of a conversation and httpx."""

from __future__ import annotations

import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from assay.api.client.conversation import Answer, Call, Put
from assay.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

    from assay.api.client.uploads import Upload

EVENTS = {"Accept": "text/event-stream"}
ELSEWHERE = "the address for the upload"
PIECE = 1 << 16  # bytes of a file that are sent at once
_CONNECT_SECONDS = 5.0


def address(server: str) -> str:
    """The base address of a service.

    Raises:
        ConfigurationError: it is no http or https URL.
    """
    if not server.startswith(("http://", "https://")):
        raise ConfigurationError(
            f"{server!r}: not the address of a service", advice="like http://127.0.0.1:8000"
        )
    return server.rstrip("/")


def headers(api_key: str | None) -> dict[str, str]:
    """What every request carries."""
    from assay.version import __version__

    common = {"User-Agent": f"assay-client/{__version__}", "Accept": "application/json, */*;q=0.5"}
    return common | ({"Authorization": f"Bearer {api_key}"} if api_key else {})


def arguments(call: Call) -> dict[str, Any]:
    """How httpx is told about a call."""
    told: dict[str, Any] = {"headers": dict(call.headers), "params": dict(call.query) or None}
    if call.upload is not None:
        # The type is left open: the service goes by the content.
        content = (call.upload.name, call.upload, "application/octet-stream")
        told |= {"files": {call.upload_field: content}, "data": dict(call.fields)}
    elif call.body is not None:
        told["json"] = call.body
    return told


def putting(put: Put) -> dict[str, Any]:
    """How httpx is told to put a file, read from the disk as it is sent.

    httpx logs the address of every request. It gets the one of the host alone; what follows,
    with the secret in it, goes the way that is not logged (httpx, "target").
    """
    import httpx

    url = httpx.URL(put.url)
    put.upload.seek(0)
    return {
        "url": url.copy_with(raw_path=b"/", fragment=None),
        "headers": {**put.headers, "Content-Length": str(put.upload.size)},
        "extensions": {"target": url.raw_path},
        "content": _pieces(put.upload),
    }


def putting_async(put: Put) -> dict[str, Any]:
    """As `putting`, for asyncio."""
    told = putting(put)

    async def pieces() -> AsyncIterator[bytes]:
        for piece in told["content"]:
            yield piece

    return {**told, "content": pieces()}


def _pieces(upload: Upload) -> Iterator[bytes]:
    while piece := upload.read(PIECE):
        yield piece


def timeouts_outside(timeout: float) -> httpx.Timeout:
    """A bucket behind a firewall holds a file up for a moment; then the service takes it."""
    import httpx

    return httpx.Timeout(timeout, connect=min(timeout, _CONNECT_SECONDS))


def answered(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


def failed(error: Exception | str, server: str) -> Answer:
    """An answer for a request that got none, with the reason in words where it is known."""
    if isinstance(error, str):
        return Answer(0, {}, b"", failure=f"{server}: {error}")
    why = _why(error)
    return Answer(0, {}, b"", failure=f"the service at {server} does not answer" + why)


def _why(error: BaseException) -> str:
    """What stands behind an error of httpx; nothing for a port where nobody listens."""
    import httpx

    behind: BaseException | None = error
    while behind is not None:
        if isinstance(behind, ssl.SSLCertVerificationError):
            return f": its certificate is refused ({behind.verify_message})"
        if isinstance(behind, ssl.SSLError):
            return ": it does not speak TLS as this machine does"
        if isinstance(behind, socket.gaierror):
            return ": its name leads to no address"
        if isinstance(behind, ConnectionRefusedError):
            return ""
        behind = behind.__cause__ or behind.__context__
    if isinstance(error, httpx.TimeoutException):
        return " in time"
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError | httpx.WriteError):
        return ": the connection broke off"
    return ""


class Events:
    """Puts lines of a stream together to events (WHATWG HTML, 9.2.6)."""

    def __init__(self, heard: Callable[[str, str], bool]) -> None:
        self._heard = heard
        self._name = ""
        self._data: list[str] = []

    def line(self, text: str) -> bool:
        """Take one line; True when the listener has heard enough."""
        if text:
            name, _, value = text.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._name = value
            elif name == "data":
                self._data.append(value)
            return False
        name, data = self._name or "message", "\n".join(self._data)
        dispatched = bool(self._data)
        self._name, self._data = "", []
        return dispatched and self._heard(name, data)

"""Between the steps of a conversation and httpx."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from assay.api.client.conversation import Answer, Call
from assay.errors import ConfigurationError

if TYPE_CHECKING:
    import httpx

EVENTS = {"Accept": "text/event-stream"}


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
        told |= {"files": {"file": content}, "data": dict(call.fields)}
    elif call.body is not None:
        told["json"] = call.body
    return told


def answered(response: httpx.Response) -> Answer:
    return Answer(response.status_code, response.headers, response.content)


def failed(error: Exception, server: str) -> Answer:
    """An answer for a request that got none."""
    return Answer(0, {}, b"", failure=f"{server}: {error or type(error).__name__}")


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

"""How the blocking client holds its conversations over HTTP."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from assay.api.client import transport
from assay.api.client.conversation import (
    Answer,
    Call,
    Conversation,
    Listen,
    Patience,
    Put,
    Step,
)
from assay.api.client.direct import Direct

if TYPE_CHECKING:
    import ssl

T = TypeVar("T")


class Connection:
    """Connections to one service; arguments as `Client`."""

    def __init__(
        self,
        server: str,
        *,
        api_key: str | None = None,
        retries: int = 5,
        timeout: float = 90.0,
        verify_tls: bool | ssl.SSLContext = True,
    ) -> None:
        import httpx

        self.server = transport.address(server)
        self.patience = Patience(retries)
        self._http = httpx.Client(
            base_url=self.server,
            headers=transport.headers(api_key),
            timeout=timeout,
            verify=verify_tls,
        )
        self._direct = Direct(self.server)
        # For addresses outside the service: no key, no headers of ours, no redirects.
        self._outside = httpx.Client(timeout=transport.timeouts_outside(timeout), verify=verify_tls)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._outside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _hold(self, conversation: Conversation[T]) -> T:
        """Run a conversation to its end."""
        answer: Answer | None = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = self._take(step)

    def _take(self, step: Step) -> Answer | None:
        if isinstance(step, Call):
            return self._call(step)
        if isinstance(step, Put):
            return self._put(step)
        if isinstance(step, Listen):
            return self._listen(step)
        time.sleep(step.seconds)
        return None

    def _call(self, call: Call) -> Answer:
        import httpx

        told: dict[str, Any] = transport.arguments(call)
        try:
            return transport.answered(self._http.request(call.method, call.path, **told))
        except httpx.TransportError as error:
            return transport.failed(error, self.server)

    def _put(self, step: Put) -> Answer:
        import httpx

        try:
            told = transport.putting(step)
            return transport.answered(self._outside.request("PUT", **told))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return transport.failed(type(error).__name__, transport.ELSEWHERE)

    def _listen(self, step: Listen) -> Answer:
        import httpx

        events = transport.Events(step.heard)
        try:
            with self._http.stream("GET", step.path, headers=transport.EVENTS) as response:
                if response.is_success:
                    any(events.line(line) for line in response.iter_lines())
                return Answer(response.status_code, response.headers, b"")
        except httpx.TransportError as error:
            return transport.failed(error, self.server)

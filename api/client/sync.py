"""The blocking client."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from assay.api.client import operations, transport
from assay.api.client.conversation import Answer, Call, Conversation, Listen, Patience, Step
from assay.api.client.operations import FoundWork, SignedRemotely
from assay.api.client.uploads import OnProgress, opened

if TYPE_CHECKING:
    import ssl

    from assay.evidence import Verification

T = TypeVar("T")


class Client:
    """A service, called from Python.

        with Client("https://assay.example.org", api_key="assay_...") as client:
            verification = client.verify("upload.jpg")

    Args:
        server: address of the service.
        api_key: what `assay access create` printed; not needed on loopback.
        retries: how often a request is repeated while the service is busy or out of reach.
        timeout: seconds without any byte before a request counts as failed.
        verify_tls: False accepts any certificate; or an SSL context of your own.

    Raises:
        ConfigurationError: `server` is no address.
    """

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

    def verify(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        check_first: bool = True,
        seconds: float | None = 600.0,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """Have a file examined.

        Args:
            source: a path, the bytes of a file, or a URL that the service is to fetch.
            name: of the file, for people; default the path's.
            check_first: ask whether the service has examined this file already, and send it
                only if not.
            seconds: how long to wait for the result; None waits as long as it takes.
            on_progress: told how far it is.
            idempotency_key: of this verification, when the program itself may start again;
                default a random one.

        Raises:
            InputRefused: the service refuses the file, with the same error class as
                `assay.verify` would raise here.
            StillExamining: no result yet; the message has the id.
            RemoteError: everything else that goes wrong at or before the service.
        """
        options = operations.Verifying(check_first, seconds, on_progress, idempotency_key)
        if operations.is_url(source):
            return self._hold(operations.verify_url(str(source), self.patience, options))
        with opened(source, name=name, tell=on_progress) as upload:
            return self._hold(operations.verify(upload, self.patience, options))

    def verification(self, verification_id: str) -> operations.Resource:
        """A verification by its id, whether it has a result or not yet.

        Raises:
            Unknown: there is none, or it belongs to another caller.
        """
        return self._hold(operations.get(verification_id, self.patience))

    def delete(self, verification_id: str) -> None:
        """Delete a verification with its media and everything derived from it.

        Raises:
            Unknown: as `verification`.
        """
        self._hold(operations.delete(verification_id, self.patience))

    def sign(
        self,
        source: str | Path | bytes,
        *,
        profile: str = "generated",
        out: str | Path | None = None,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **context: str,
    ) -> SignedRemotely:
        """Have a file marked and signed with the identity of the service.

        Args:
            source: a path or the bytes of a file; it is never changed.
            profile: `generated`, `edited` or `captured`.
            out: where the marked file goes; None keeps it in memory only.
            context: more form fields, such as `generator` or `title`.

        Raises:
            InputRefused, RemoteError: as `verify`.
            OutputRefused: `out` cannot be written.
        """
        with opened(source, name=name, tell=on_progress) as upload:
            fields = {"profile": profile, **context}
            signed = self._hold(operations.sign(upload, fields, self.patience, key=idempotency_key))
        return signed.written_to(out)

    def match(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> list[FoundWork]:
        """Registered works that a file may copy, best first.

        Raises:
            InputRefused, RemoteError: as `verify`.
        """
        with opened(source, name=name, tell=on_progress) as upload:
            return self._hold(operations.match(upload, self.patience))

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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

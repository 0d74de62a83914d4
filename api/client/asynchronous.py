"""The client for asyncio."""

from __future__ import annotations

import asyncio
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


class AsyncClient:
    """As `Client`, with every method awaited; arguments, results and errors are the same.

    async with AsyncClient("https://assay.example.org", api_key="assay_...") as client:
        verification = await client.verify("upload.jpg")
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
        self._http = httpx.AsyncClient(
            base_url=self.server,
            headers=transport.headers(api_key),
            timeout=timeout,
            verify=verify_tls,
        )

    async def verify(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        check_first: bool = True,
        seconds: float | None = 600.0,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
    ) -> Verification:
        """As `Client.verify`."""
        options = operations.Verifying(check_first, seconds, on_progress, idempotency_key)
        if operations.is_url(source):
            return await self._hold(operations.verify_url(str(source), self.patience, options))
        with opened(source, name=name, tell=on_progress) as upload:
            return await self._hold(operations.verify(upload, self.patience, options))

    async def verification(self, verification_id: str) -> operations.Resource:
        """As `Client.verification`."""
        return await self._hold(operations.get(verification_id, self.patience))

    async def delete(self, verification_id: str) -> None:
        """As `Client.delete`."""
        await self._hold(operations.delete(verification_id, self.patience))

    async def sign(
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
        """As `Client.sign`."""
        with opened(source, name=name, tell=on_progress) as upload:
            fields = {"profile": profile, **context}
            signed = await self._hold(
                operations.sign(upload, fields, self.patience, key=idempotency_key)
            )
        return signed.written_to(out)

    async def match(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
    ) -> list[FoundWork]:
        """As `Client.match`."""
        with opened(source, name=name, tell=on_progress) as upload:
            return await self._hold(operations.match(upload, self.patience))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def _hold(self, conversation: Conversation[T]) -> T:
        """Run a conversation to its end."""
        answer: Answer | None = None
        while True:
            try:
                step = conversation.send(answer)
            except StopIteration as end:
                result: T = end.value
                return result
            answer = await self._take(step)

    async def _take(self, step: Step) -> Answer | None:
        if isinstance(step, Call):
            return await self._call(step)
        if isinstance(step, Listen):
            return await self._listen(step)
        await asyncio.sleep(step.seconds)
        return None

    async def _call(self, call: Call) -> Answer:
        import httpx

        told: dict[str, Any] = transport.arguments(call)
        try:
            return transport.answered(await self._http.request(call.method, call.path, **told))
        except httpx.TransportError as error:
            return transport.failed(error, self.server)

    async def _listen(self, step: Listen) -> Answer:
        import httpx

        events = transport.Events(step.heard)
        try:
            async with self._http.stream("GET", step.path, headers=transport.EVENTS) as response:
                if response.is_success:
                    async for line in response.aiter_lines():
                        if events.line(line):
                            break
                return Answer(response.status_code, response.headers, b"")
        except httpx.TransportError as error:
            return transport.failed(error, self.server)

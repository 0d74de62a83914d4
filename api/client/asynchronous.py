"""The client for asyncio."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeVar

from assay.api.client import keeping, operations, transport
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
from assay.api.client.keeping import Audit, Listed
from assay.api.client.operations import FoundWork, SignedRemotely
from assay.api.client.uploads import OnProgress, opened

if TYPE_CHECKING:
    import ssl

    from assay.evidence import Verification
    from assay.provenance.matching.works import Work

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
        self._direct = Direct(self.server)
        # For addresses outside the service: no key, no headers of ours, no redirects.
        self._outside = httpx.AsyncClient(
            timeout=transport.timeouts_outside(timeout), verify=verify_tls
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
            return await self._hold(operations.verify(upload, self.patience, options, self._direct))

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

    async def verifications(self, *, most: int = 100) -> list[Listed]:
        """As `Client.verifications`."""
        return await self._hold(keeping.verifications(most, self.patience))

    async def report(
        self,
        verification_id: str,
        *,
        kind: Literal["html", "json"] = "html",
        out: str | Path | None = None,
    ) -> bytes:
        """As `Client.report`."""
        found = await self._hold(keeping.report(verification_id, kind, self.patience))
        return keeping.written(found, out)

    async def register(
        self,
        source: str | Path | bytes,
        *,
        name: str | None = None,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: str | list[str],
    ) -> Work:
        """As `Client.register`."""
        with opened(source, name=name, tell=on_progress) as upload:
            return await self._hold(
                keeping.register(upload, fields, self.patience, key=idempotency_key)
            )

    async def works(self, *, most: int = 100) -> list[Work]:
        """As `Client.works`."""
        return await self._hold(keeping.works(most, self.patience))

    async def remove_work(self, work_id: str) -> None:
        """As `Client.remove_work`."""
        await self._hold(keeping.remove_work(work_id, self.patience))

    async def start_audit(
        self,
        archive: str | Path | bytes,
        *,
        on_progress: OnProgress | None = None,
        idempotency_key: str | None = None,
        **fields: str | list[str],
    ) -> Audit:
        """As `Client.start_audit`."""
        with opened(archive, name=None, tell=on_progress) as upload:
            return await self._hold(
                keeping.start_audit(upload, fields, self.patience, key=idempotency_key)
            )

    async def audit(self, audit_id: str) -> Audit:
        """As `Client.audit`."""
        return await self._hold(keeping.audit(audit_id, self.patience))

    async def audits(self, *, most: int = 100) -> list[Audit]:
        """As `Client.audits`."""
        return await self._hold(keeping.audits(most, self.patience))

    async def audit_report(
        self, audit_id: str, name: str = "report.html", *, out: str | Path | None = None
    ) -> bytes:
        """As `Client.audit_report`."""
        found = await self._hold(keeping.audit_report(audit_id, name, self.patience))
        return keeping.written(found, out)

    async def delete_audit(self, audit_id: str) -> None:
        """As `Client.delete_audit`."""
        await self._hold(keeping.delete_audit(audit_id, self.patience))

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
        await self._outside.aclose()

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
        if isinstance(step, Put):
            return await self._put(step)
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

    async def _put(self, step: Put) -> Answer:
        import httpx

        try:
            told = transport.putting_async(step)
            return transport.answered(await self._outside.request("PUT", **told))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return transport.failed(type(error).__name__, transport.ELSEWHERE)

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

"""How often one caller may ask, told in the fields of draft-ietf-httpapi-ratelimit-headers-10.

The count is kept where `assay.api.counting` says. People at this machine are not limited;
failed keys are counted apart, in `assay.api.access.attempts`.
"""

from __future__ import annotations

import math
import time

from anyio import to_thread
from limits import RateLimitItem, WindowStats
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api.access.attempts import limit_of
from assay.api.access.identifying import identify, limiter
from assay.api.counting import Counter
from assay.api.errors import RetryLater
from assay.api.problems import answer

POLICY = "caller"  # the name of the one policy


class RateLimited(RetryLater):
    """The caller asks too often."""

    code = "rate-limited"
    http_status = 429


class RateLimits:
    """ASGI middleware: counts requests by caller, refuses those over the limit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._counter = Counter(SlidingWindowCounterRateLimiter, POLICY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await identify(Request(scope)) if scope["type"] == "http" else None
        if caller is None or caller.anonymous:
            await self.app(scope, receive, send)
            return
        limit = limit_of("rate_limit")
        if self._counter.is_shared:  # another machine is asked: not in the event loop
            allowed, stats = await to_thread.run_sync(
                self._count, limit, caller.id, limiter=limiter()
            )
        else:
            allowed, stats = self._count(limit, caller.id)
        seconds = max(1, math.ceil(stats.reset_time - time.time()))
        headers = {
            "RateLimit-Policy": f'"{POLICY}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{POLICY}";r={max(0, stats.remaining)};t={seconds}',
        }

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if allowed:
            await self.app(scope, receive, with_headers)
            return
        refusal = RateLimited(f"more than {limit}", seconds=seconds)
        await answer(refusal, instance=scope["path"])(scope, receive, with_headers)

    def _count(self, limit: RateLimitItem, caller: str) -> tuple[bool, WindowStats]:
        return self._counter.hit(limit, caller), self._counter.stats(limit, caller)

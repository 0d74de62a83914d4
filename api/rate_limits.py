"""How often one caller may ask, told in the fields of draft-ietf-httpapi-ratelimit-headers-10.

The count is kept in each process. People at this machine are not limited; failed keys are
counted apart, in `assay.api.access.attempts`.
"""

from __future__ import annotations

import math
import time

from limits import RateLimitItem
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api.access.attempts import limit_of
from assay.api.access.identifying import identify
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
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await identify(Request(scope)) if scope["type"] == "http" else None
        if caller is None or caller.anonymous:
            await self.app(scope, receive, send)
            return
        limit = limit_of("rate_limit")
        allowed = self._limiter.hit(limit, caller.id)
        headers = self._told(limit, caller.id)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        if allowed:
            await self.app(scope, receive, with_headers)
            return
        refusal = RateLimited(f"more than {limit}", seconds=self._wait(limit, caller.id))
        await answer(refusal, instance=scope["path"])(scope, receive, with_headers)

    def _told(self, limit: RateLimitItem, caller: str) -> dict[str, str]:
        left = max(0, self._limiter.get_window_stats(limit, caller).remaining)
        seconds = self._wait(limit, caller)
        return {
            "RateLimit-Policy": f'"{POLICY}";q={limit.amount};w={limit.get_expiry()}',
            "RateLimit": f'"{POLICY}";r={left};t={seconds}',
        }

    def _wait(self, limit: RateLimitItem, caller: str) -> int:
        reset = self._limiter.get_window_stats(limit, caller).reset_time
        return max(1, math.ceil(reset - time.time()))

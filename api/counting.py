"""Counts against limits: in this process, or in a server that all processes share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from limits import RateLimitItem, WindowStats
from limits.errors import ConfigurationError as LimitsError
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import RateLimiter

from assay.errors import ConfigurationError
from assay.settings import settings

AWAY_SECONDS = 5.0  # in which a server that did not answer is not asked again
_ANSWER_SECONDS = 0.5
_IN_MEMORY = "memory://"

T = TypeVar("T")
_log = logging.getLogger("assay")


class Counter:
    """Counts what one kind of strangers or callers does.

    While the shared server is away each process counts for itself: nobody is refused for it,
    and nobody may do without limit what all processes together would not allow.

    Args:
        strategy: of the library `limits`.
        kind: what is counted, apart from what other counters count.
    """

    def __init__(self, strategy: type[RateLimiter], kind: str) -> None:
        self._strategy = strategy
        self._kind = kind
        self._own = strategy(MemoryStorage())
        self._away_until = 0.0

    @property
    def is_shared(self) -> bool:
        """Whether a server is asked, so that counting takes a moment."""
        return settings().rate_limit_storage != _IN_MEMORY

    def hit(self, limit: RateLimitItem, who: str) -> bool:
        """Count one; whether it is within the limit."""
        return self._ask(lambda limiter: limiter.hit(limit, self._kind, who))

    def test(self, limit: RateLimitItem, who: str) -> bool:
        """Whether one more would be within the limit."""
        return self._ask(lambda limiter: limiter.test(limit, self._kind, who))

    def stats(self, limit: RateLimitItem, who: str) -> WindowStats:
        """How many are left, and when it starts anew."""
        return self._ask(lambda limiter: limiter.get_window_stats(limit, self._kind, who))

    def forget(self) -> None:
        """Start to count anew, in this process."""
        self._own.storage.reset()

    def _ask(self, question: Callable[[RateLimiter], T]) -> T:
        if self.is_shared and time.monotonic() >= self._away_until:
            try:
                return question(self._strategy(shared_storage()))
            except StorageError as error:
                self._away_until = time.monotonic() + AWAY_SECONDS
                _log.warning("rate limits are counted here, their server is away: %s", error)
        return question(self._own)


def shared_storage() -> Storage:
    """Where all processes count, by the setting `rate_limit_storage`.

    Raises:
        ConfigurationError: the library `limits` does not know it, or lacks its client.
    """
    return _storage(settings().rate_limit_storage)


@cache
def _storage(url: str) -> Storage:
    scheme = url.partition(":")[0]
    options: dict[str, float | bool] = {"wrap_exceptions": True}
    if scheme.startswith(("redis", "valkey")):
        # Without these a server that is cut off would hold every request up.
        options |= {"socket_timeout": _ANSWER_SECONDS, "socket_connect_timeout": _ANSWER_SECONDS}
    try:
        storage = storage_from_string(url, **options)
    except (LimitsError, ValueError, TypeError) as error:
        raise ConfigurationError(
            f"ASSAY_RATE_LIMIT_STORAGE: {scheme}:// cannot be used here",
            advice="write redis://host:6379/0; its client comes with: pip install 'assay[scale]'",
        ) from error
    if not isinstance(storage, Storage):
        raise ConfigurationError(
            f"ASSAY_RATE_LIMIT_STORAGE: {scheme}:// is not supported", advice="leave out async+"
        )
    return storage

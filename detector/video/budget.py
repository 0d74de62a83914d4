"""A limit on wall-clock time."""

from __future__ import annotations

import time


class Budget:
    """So many seconds from now.

    Args:
        seconds: at least 0.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._end = time.monotonic() + seconds

    @property
    def spent(self) -> bool:
        return time.monotonic() >= self._end

    def part(self, share: float) -> Budget:
        """A share of the whole, from now, that ends no later than this one."""
        left = max(0.0, self._end - time.monotonic())
        return Budget(min(left, share * self._seconds))

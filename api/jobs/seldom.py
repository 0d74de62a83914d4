"""Log records that come many times a second while the database is away, told now and then."""

from __future__ import annotations

import logging
import threading
import time

TELL_SECONDS = 10.0
_MOST_KINDS = 100


class Seldom(logging.Filter):
    """Lets a message pass once in a while, with the number of those that were left out.

    Messages are of one kind when they are the same up to the first colon; what follows is the
    cause.

    Args:
        seconds: between two messages of one kind.
    """

    def __init__(self, seconds: float = TELL_SECONDS) -> None:
        super().__init__()
        self._seconds = seconds
        self._lock = threading.Lock()
        self._told: dict[str, tuple[float, int]] = {}  # when, and how many were left out since

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        kind = text.partition(":")[0]
        now = time.monotonic()
        with self._lock:
            told, left_out = self._told.get(kind, (float("-inf"), 0))
            if now - told < self._seconds:
                self._told[kind] = (told, left_out + 1)
                return False
            if len(self._told) >= _MOST_KINDS:
                self._told.clear()
            self._told[kind] = (now, 0)
        if left_out:
            record.msg, record.args = f"{text} ({left_out} more of these meanwhile)", ()
        return True

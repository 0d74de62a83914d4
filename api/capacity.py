"""How much is examined at once: a decoded picture takes up to a gigabyte for a moment."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from assay.errors import AssayError

AT_ONCE = max(2, os.cpu_count() or 1)
WAIT_SECONDS = 30.0  # longer than one examination; a client should then come back instead


class Busy(AssayError):
    """The service is examining as much as it can."""

    code = "busy"


_slots = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def slot() -> Iterator[None]:
    """Hold one of the places for examinations.

    Raises:
        Busy: none became free in time.
    """
    if not _slots.acquire(timeout=WAIT_SECONDS):
        raise Busy("too many examinations at once", advice="try again in a minute")
    try:
        yield
    finally:
        _slots.release()

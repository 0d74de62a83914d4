"""The thread of a worker that carries messages."""

from __future__ import annotations

import logging
import threading

import sqlalchemy as sa

from assay.api.webhooks.delivering import deliver_due, prune

POLL_SECONDS = 1.0
"""How soon an event of another process is noticed."""
PRUNE_EVERY = 3600  # polls

_log = logging.getLogger("assay.webhooks")


class Courier:
    """Delivers what is due until it is stopped."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="assay-webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float | None = None) -> None:
        """End after the tries at work; what is not sent yet stays due."""
        self._stopping.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        polls = 0
        while not self._stopping.is_set():
            try:
                sent = deliver_due(self._engine)
                if polls % PRUNE_EVERY == 0:
                    prune(self._engine)
            except sa.exc.SQLAlchemyError:
                # A database that is away for a moment must not end deliveries for good.
                _log.exception("webhooks wait for the database")
                sent = 0
            polls += 1
            if not sent:
                self._stopping.wait(POLL_SECONDS)

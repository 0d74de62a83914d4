"""Everything that a process needs to run jobs."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from assay.api.examining import Examiners
from assay.api.jobs.caretaking import Caretaker
from assay.api.jobs.durable import DurableJobs
from assay.api.jobs.work import Work
from assay.api.media_store import MediaStore
from assay.api.records import Records
from assay.api.webhooks import Courier
from assay.api.webhooks.delivering import deliver_due
from assay.settings import settings

POST_SECONDS = 1.0  # between two looks for webhook deliveries that are due

_log = logging.getLogger("assay.jobs")


class Worker:
    """A queue, the examiners that empty it, the caretaker, and the thread that calls webhooks.

    Args:
        examiners: who examines; closed with the worker.
    """

    def __init__(self, records: Records, store: MediaStore, examiners: Examiners) -> None:
        self.examiners = examiners
        self.jobs = DurableJobs(Work(records, store, examiners), at_once=examiners.size)
        self._records = records
        self._caretaker = Caretaker(self.jobs, records, store)
        self._courier = Courier(records.engine)
        self._stopping = threading.Event()
        self._postman = threading.Thread(target=self._deliver, name="postman", daemon=True)

    def start(self, *, warm: bool = False) -> None:
        """Begin to run jobs.

        Args:
            warm: start the examiners now, and not when the first job comes.

        Raises:
            ConfigurationError: the queue's database cannot be opened.
        """
        if warm:
            self.examiners.start()
        self._caretaker.arrive()
        self.jobs.start()
        self._caretaker.start()
        self._courier.start()
        self._postman.start()

    def stop(self, seconds: float | None = None) -> None:
        """Finish what runs if it takes no longer than this; the rest is run again later.

        Args:
            seconds: default: the setting `shutdown_seconds`.
        """
        self._stopping.set()
        self._caretaker.pause()
        self.jobs.stop(settings().shutdown_seconds if seconds is None else seconds)
        self.examiners.close()
        self._caretaker.leave()

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            try:
                made = deliver_due(self._records.engine)
            except (SQLAlchemyError, OSError) as error:
                _log.warning("webhooks cannot be delivered and are tried again: %s", error)
                made = 0
            if not made:
                self._stopping.wait(POST_SECONDS)

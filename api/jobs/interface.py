"""What the service asks of a queue."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from assay.api.errors import RetryLater
from assay.api.records.store import Priority


class QueueUnavailable(RetryLater):
    """The queue of jobs does not answer."""

    code = "queue-unavailable"

    def __init__(self, message: str) -> None:
        super().__init__(message, seconds=30)


@dataclass(frozen=True)
class QueueHealth:
    """The state of the queue as this process sees it."""

    ok: bool
    queued: int
    running: int
    detail: str = ""


class Jobs(Protocol):
    """A durable queue. A job is the id of a record and nothing else."""

    def start(self) -> None:
        """Open the queue and, in a worker, begin to run jobs."""

    def stop(self, seconds: float) -> None:
        """Take no more jobs and wait so long for those that run; the others run again later."""

    def submit(self, job_id: str, priority: Priority = "live") -> None:
        """Queue a job. A job that is queued, running or finished already is not queued again.

        Raises:
            QueueUnavailable: it could not be written down.
        """

    def forget(self, job_id: str) -> None:
        """Remove a job; one that runs finds its record gone and is removed when it ends."""

    def lost(self, job_ids: Collection[str]) -> set[str]:
        """Those that are neither queued nor running."""

    def health(self) -> QueueHealth:
        """Whether the queue answers, and its length."""

"""Jobs on DBOS: each is a workflow whose id is the job's, in SQLite or PostgreSQL.

DBOS gives the job to one worker at a time and remembers it through crashes. What it stores is
the id only. Which of its features are not used, and why: recovery by executor id happens in
`caretaking`, because the process that died may never come back under its name.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from assay.api.jobs.interface import QueueHealth, QueueUnavailable
from assay.api.jobs.seldom import Seldom
from assay.api.records.store import Priority, new_id
from assay.errors import ConfigurationError
from assay.settings import settings

if TYPE_CHECKING:
    from dbos import DBOSClient

APPLICATION = "assay"
PROTOCOL = "1"
"""The version of what a job means. DBOS would hash the code: an upgrade would strand old jobs."""
QUEUE = "verifications"
WORKFLOW = "assay.verification"
POLL_SECONDS = 0.1  # how often an idle worker looks; costs under 3 % of one processor
WAITING_PER_CHILD = 2
"""Jobs a worker holds for each child: one at work, one that starts the moment it is done."""
_PRIORITIES: dict[Priority, int] = {"live": 1, "batch": 10}  # DBOS: the lowest goes first
_ALIVE = ("ENQUEUED", "PENDING", "DELAYED")


class Interrupted(BaseException):
    """A job was broken off by the end of its worker; DBOS leaves it as it is, to be recovered."""


class DurableJobs:
    """The queue.

    Args:
        work: runs one job, given its id; None in a process that only submits.
        at_once: how many jobs run side by side.
        url: of the queue's database; default: that of the settings.
    """

    def __init__(
        self,
        work: Callable[[str], None] | None = None,
        *,
        at_once: int = 1,
        url: str | None = None,
    ) -> None:
        self.worker_id = new_id()
        self._work = work
        self._at_once = at_once
        self._url = _plain(url or settings().jobs_url)
        self._client: DBOSClient | None = None
        self._at_work: set[str] = set()
        self._dropped: set[str] = set()  # given to this worker, but not at work at the last look
        self._changed = threading.Condition()
        self._stopping = False

    def start(self) -> None:
        """As `Jobs.start`.

        Raises:
            ConfigurationError: the database cannot be opened.
        """
        _send_logs_to_ours()
        from dbos import DBOS, DBOSClient

        try:
            _prepare(self._url)
            DBOS.migrate(self._url)
            self._client = DBOSClient(
                system_database_url=self._url,
                application_name=APPLICATION,
                retry_connection_errors=False,
            )
            self._client.register_queue(
                QUEUE,
                worker_concurrency=self._at_once * WAITING_PER_CHILD,
                polling_interval_sec=POLL_SECONDS,
                on_conflict="always_update" if self._work else "never_update",
            )
        except (SQLAlchemyError, OSError, sqlite3.Error) as error:
            raise ConfigurationError(f"the queue cannot be opened: {error}") from error
        if self._work:
            DBOS(
                config={
                    "name": APPLICATION,
                    "system_database_url": self._url,
                    "application_version": PROTOCOL,
                    "executor_id": self.worker_id,
                    "log_level": "WARNING",
                    "run_migrations": False,
                }
            )

            @DBOS.workflow(name=WORKFLOW)
            def run(job_id: str) -> None:
                self._run(job_id)

            DBOS.listen_queues([QUEUE])
            DBOS.launch()

    def stop(self, seconds: float) -> None:
        """As `Jobs.stop`."""
        from dbos import DBOS

        with self._changed:
            self._stopping = True
            self._changed.wait_for(lambda: not self._at_work, timeout=seconds)
        if self._work:
            DBOS.destroy(destroy_registry=True)
        if self._client:
            self._client.destroy()
            self._client = None

    def submit(self, job_id: str, priority: Priority = "live") -> None:
        """As `Jobs.submit`."""
        try:
            self._open.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": QUEUE,
                    "workflow_id": job_id,
                    "priority": _PRIORITIES[priority],
                },
                job_id,
            )
        except SQLAlchemyError as error:
            raise QueueUnavailable("the queue of jobs cannot be written") from error

    def forget(self, job_id: str) -> None:
        """As `Jobs.forget`. What runs is left to `tidy`: DBOS wants to write down its end."""
        if not self._list(workflow_ids=[job_id], status="PENDING"):
            self._open.delete_workflow(job_id)

    def lost(self, job_ids: Collection[str]) -> set[str]:
        """As `Jobs.lost`."""
        alive = self._list(workflow_ids=list(job_ids), status=list(_ALIVE))
        return set(job_ids) - {found.workflow_id for found in alive}

    def recover(self, alive: Collection[str]) -> int:
        """Queue again what workers that are not alive left running; how many jobs.

        Also what this worker lost: when the database goes away, DBOS drops a job that it has
        just taken and leaves it written down as running.
        """
        pending = self._list(status="PENDING")
        with self._changed:
            mine = {job.workflow_id for job in pending if job.executor_id == self.worker_id}
            idle = mine - self._at_work
        orphans = [job.workflow_id for job in pending if job.executor_id not in alive]
        orphans += idle & self._dropped  # not only between two steps
        self._dropped = idle
        if orphans:
            self._open.resume_workflows(orphans, queue_name=QUEUE)
        return len(orphans)

    def tidy(self, *, older_than: float) -> None:
        """Forget finished jobs: the records know their results."""
        before = datetime.fromtimestamp(time.time() - older_than, UTC).isoformat()
        done = self._list(
            status=["SUCCESS", "ERROR", "CANCELLED"], completed_before=before, limit=1000
        )
        if done:
            self._open.delete_workflows([job.workflow_id for job in done])

    def health(self) -> QueueHealth:
        """As `Jobs.health`."""
        try:
            waiting = self._list(status=list(_ALIVE))
        except (SQLAlchemyError, QueueUnavailable) as error:
            return QueueHealth(False, 0, 0, str(error))
        running = sum(job.status == "PENDING" for job in waiting)
        return QueueHealth(True, len(waiting) - running, running)

    @property
    def _open(self) -> DBOSClient:
        if self._client is None:
            raise QueueUnavailable("the queue of jobs is not open")
        return self._client

    def _list(self, **which: Any) -> list[Any]:
        return self._open.list_workflows(
            queue_name=QUEUE, load_input=False, load_output=False, **which
        )

    def _run(self, job_id: str) -> None:
        assert self._work is not None
        with self._changed:
            if self._stopping:
                raise Interrupted
            self._at_work.add(job_id)
        try:
            self._work(job_id)
        finally:
            with self._changed:
                self._at_work.discard(job_id)
                self._changed.notify_all()


def _plain(url: str) -> str:
    """DBOS wants the URL without a driver."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql")
    return parsed.render_as_string(hide_password=False)


def _prepare(url: str) -> None:
    """Give a SQLite file a write-ahead log, which it keeps: readers then never wait."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=30)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()


def _send_logs_to_ours() -> None:
    """DBOS prints to the console unless its logger has a handler; its records go to the root."""
    logger = logging.getLogger("dbos")
    logger.setLevel(logging.WARNING)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())
    if not any(isinstance(each, Seldom) for each in logger.filters):
        logger.addFilter(Seldom())  # it looks ten times a second, and says so when it cannot

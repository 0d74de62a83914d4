"""Signs of life, and care for what dead workers and closed connections left behind."""

from __future__ import annotations

import logging
import os
import platform
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from assay.api import retention
from assay.api.direct_uploads.store import DirectUploads, sweep
from assay.api.jobs.durable import DurableJobs
from assay.api.media_store import MediaStore
from assay.api.records import Records
from assay.api.records.schema import workers
from assay.api.webhooks.delivering import prune
from assay.databases import empty_log, writing
from assay.errors import AssayError

BEAT_SECONDS = 2.0  # a job that the database lost is queued again after two
DEAD_AFTER_SECONDS = 60.0  # without a sign of life; a worker on this machine is seen to be gone
TIDY_SECONDS = 60.0
OVERDUE_SECONDS = 4.0  # from a record to its place in the queue; usually milliseconds

_log = logging.getLogger("assay.jobs")


class Caretaker:
    """A thread of each worker that keeps records, queue and store in step."""

    def __init__(self, jobs: DurableJobs, records: Records, store: MediaStore) -> None:
        self._jobs = jobs
        self._records = records
        self._store = store
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="caretaker", daemon=True)
        self._tidied = 0.0

    def arrive(self) -> None:
        """Say that this worker is alive; before it takes a job, or others take it for dead."""
        beat(self._records.engine, self._jobs.worker_id)

    def start(self) -> None:
        """Look after things until `pause`."""
        self._thread.start()

    def pause(self) -> None:
        """End the rounds."""
        self._stop.set()
        self._thread.join(timeout=BEAT_SECONDS + 5)

    def leave(self) -> None:
        """Say that this worker is gone, so that others take what it left."""
        with self._records.engine.begin() as connection:
            connection.execute(workers.delete().where(workers.c.id == self._jobs.worker_id))

    def _run(self) -> None:
        while True:
            self._try(self.look_around)
            if time.monotonic() - self._tidied > TIDY_SECONDS:
                self._tidied = time.monotonic()
                self._try(self.tidy)
            if self._stop.wait(BEAT_SECONDS):
                return

    def look_around(self) -> None:
        """One round: a sign of life, jobs of the dead, jobs that never reached the queue."""
        engine = self._records.engine
        beat(engine, self._jobs.worker_id)
        if recovered := self._jobs.recover(alive(engine)):
            _log.warning("%d jobs of ended workers were queued again", recovered)
        overdue = self._records.unfinished(created_before=time.time() - OVERDUE_SECONDS)
        lost = self._jobs.lost(overdue)
        if lost:
            self._store.reach()  # without it they would only use up their attempts
        for job_id in lost:
            self._jobs.forget(job_id)
            self._jobs.submit(job_id, overdue[job_id])
            _log.warning("job %s was not in the queue and was queued again", job_id)

    def tidy(self) -> None:
        """The slower round: retention, direct uploads, finished jobs, old webhooks, the log."""
        retention.sweep(self._records, self._store)
        beat(self._records.engine, self._jobs.worker_id)  # to delete much takes a while
        sweep(DirectUploads(self._records.engine), self._store)
        self._jobs.tidy(older_than=TIDY_SECONDS)
        prune(self._records.engine)
        empty_log(self._records.engine)

    def _try(self, round_: Callable[[], None]) -> None:
        """A database that is away for a while must not end the rounds."""
        try:
            round_()
        except (AssayError, SQLAlchemyError, OSError) as error:
            if not self._stop.is_set():
                _log.warning("caretaking failed and is tried again: %s", error)


@cache
def place() -> str:
    """Where process ids mean the same: this machine since it started, and this container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)[:255]


def beat(engine: sa.Engine, worker_id: str) -> None:
    """Write a sign of life."""
    now = time.time()
    with writing(engine) as connection:
        change = workers.update().where(workers.c.id == worker_id).values(seen=now)
        if connection.execute(change).rowcount == 0:
            row = {"id": worker_id, "host": place(), "pid": os.getpid(), "seen": now}
            connection.execute(workers.insert(), row)


def alive(engine: sa.Engine) -> set[str]:
    """Workers that gave a sign of life and are not seen to be gone; the others are struck off."""
    with engine.connect() as connection:
        known = connection.execute(sa.select(workers)).all()
    dead = [row.id for row in known if _is_dead(row.host, row.pid, row.seen)]
    if dead:
        with engine.begin() as connection:
            connection.execute(workers.delete().where(workers.c.id.in_(dead)))
    return {row.id for row in known} - set(dead)


def _is_dead(host: str, pid: int, seen: float) -> bool:
    if time.time() - seen > DEAD_AFTER_SECONDS:
        return True
    if host != place():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False

"""Working off the audits that wait, one at a time in each process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa
import structlog

from assay.api.audits.examining import AuditFailed, Outcome, examine
from assay.api.audits.options import Options
from assay.api.audits.store import LEASE_SECONDS, MOST_ATTEMPTS, AuditStore
from assay.api.media_store import MediaStore
from assay.api.operations import metrics
from assay.api.records import open_database
from assay.api.records.schema import retention
from assay.errors import AssayError

POLL_SECONDS = 5.0  # for audits that another process accepted


class AuditRunner:
    """A thread that works off audits until it is stopped."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._work, name="audits", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look now."""
        self._wake.set()

    def stop(self) -> None:
        """Put the audit at work back into the queue and end."""
        self._stop.set()
        self._wake.set()
        self._thread.join()

    def _work(self) -> None:
        log = structlog.get_logger("assay.audits")
        while not self._stop.is_set():
            try:
                idle = not self._next()
            except (AssayError, sa.exc.SQLAlchemyError) as error:
                log.error("audits cannot be worked off", detail=str(error))
                idle = True
            if idle:
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()

    def _next(self) -> bool:
        """Do one audit; whether there was one."""
        store = AuditStore(open_database())
        claimed = store.claim()
        if claimed is None:
            return False
        with _renewed(store, claimed):
            outcome = self._examine(claimed)
        if outcome is None:
            store.give_back(claimed)
            return True
        summary = _summary(outcome)
        if store.finish(claimed, files=outcome.files, summary=summary, problem=outcome.problem):
            delete_media(claimed["media"])
            status = "failed" if outcome.problem else "done"
            metrics.AUDITS.labels(status).inc()
            structlog.get_logger("assay.audits").info("audit", audit=claimed["id"], status=status)
        return True

    def _examine(self, claimed: sa.RowMapping) -> Outcome | None:
        if claimed["attempts"] > MOST_ATTEMPTS:
            gone = AuditFailed("the process that ran it ended, several times")
            return Outcome(problem=dict(gone.problem()))
        try:
            with MediaStore.open().get(claimed["media"]) as archive:
                return examine(archive, Options.model_validate(claimed["options"]), self._stop)
        except AssayError as error:
            return Outcome(problem=dict(error.problem()))


@contextmanager
def working() -> Iterator[AuditRunner]:
    """A runner for as long as the block lasts."""
    runner = AuditRunner()
    runner.start()
    try:
        yield runner
    finally:
        runner.stop()


def delete_media(key: str | None) -> None:
    """Delete an archive, now; what fails is deleted when its time is over."""
    if key is None:
        return
    with suppress(AssayError):
        MediaStore.open().delete(key)
        with open_database().begin() as connection:
            connection.execute(retention.delete().where(retention.c.key == key))


@contextmanager
def _renewed(store: AuditStore, claimed: sa.RowMapping) -> Iterator[None]:
    """Renew the lease until the block ends."""
    over = threading.Event()

    def renew() -> None:
        while not over.wait(LEASE_SECONDS / 4):
            with suppress(sa.exc.SQLAlchemyError):
                store.renew(claimed)

    thread = threading.Thread(target=renew, name="audit-lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _summary(outcome: Outcome) -> dict[str, Any] | None:
    """Counts of a report, for lists."""
    from assay.reports import Audit

    if outcome.problem or "report.json" not in outcome.files:
        return None
    audit = Audit.model_validate(json.loads(outcome.files["report.json"]))
    return {"title": audit.title, "pictures": audit.data.pictures, "verdicts": audit.verdicts}


def retain_until(key: str, seconds: float) -> None:
    """Write an object down before it is stored, so that it is deleted whatever happens."""
    with open_database().begin() as connection:
        connection.execute(retention.insert(), {"key": key, "until": time.time() + seconds})

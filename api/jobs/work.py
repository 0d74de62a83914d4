"""One job: from an upload in the store to the result in its record."""

from __future__ import annotations

import time
from typing import Any

from assay.api.examining import Examined, Examiners, Refused, Stopped
from assay.api.examining.examination import examiners, interrupted
from assay.api.media_store import MediaGone, MediaStore, StoreUnavailable
from assay.api.problems import document
from assay.api.records import Records
from assay.api.records.store import Event, Record
from assay.api.retention import delete_media
from assay.errors import AssayError

MAX_ATTEMPTS = 10
"""An upload whose examination ends with its worker so often is not tried again."""
STORE_PATIENCE_SECONDS = 3600.0
"""So long after it was accepted, an upload that the store does not give costs no attempt."""
TELL_SECONDS = 0.25
"""Progress is written no more often: each write is flushed to the disk."""
_TOLD = ("examiner", "kind", "finding", "points_to", "strength", "summary")  # the result has all


class Work:
    """Runs jobs.

    Args:
        records, store: where the upload was written down and put.
        examiners: who examines.
    """

    def __init__(self, records: Records, store: MediaStore, examiners: Examiners) -> None:
        self._records = records
        self._store = store
        self._examiners = examiners

    def __call__(self, job_id: str) -> None:
        """Examine one upload and write its result, unless it has one or is deleted.

        Raises:
            PoolClosed: the worker is stopping; the job is to be run again.
            StoreUnavailable: the media cannot be read; the job is to be run again.
            ChildFailed: nothing can be examined here; the job is to be run again.
        """
        begun = self._records.begin(job_id, examiners())
        if begun is None:
            return
        record, last = begun
        diary = _Diary(self._records, job_id, last)
        try:
            examined = self._examine(record, diary)
        except Stopped:
            return
        except StoreUnavailable:
            if time.time() - record.created < STORE_PATIENCE_SECONDS:
                self._records.give_back(record)  # the caretaker waits for the store, then queues it
            raise
        except (Refused, MediaGone) as error:
            self._fail(record, diary, error.error if isinstance(error, Refused) else error)
            return
        news = diary.take("done", {"category": examined.category})
        self._records.finish(
            record, result=examined.verification, category=examined.category, news=news
        )

    def _examine(self, record: Record, diary: _Diary) -> Examined:
        if record.media is None:
            raise MediaGone("the media were deleted before they were examined")
        if record.attempts > MAX_ATTEMPTS:
            with self._store.get(record.media) as file:
                return interrupted(
                    file,
                    record.attempts - 1,
                    name=record.name,
                    sha256=record.sha256,
                    size=record.size,
                )
        return self._examiners.examine(
            record.media,
            name=record.name,
            sha256=record.sha256,
            size=record.size,
            progress=diary.examined,
        )

    def _fail(self, record: Record, diary: _Diary, error: AssayError) -> None:
        """What cannot be examined is not kept."""
        problem = document(error)
        news = diary.take("failed", {"problem": problem})
        if self._records.finish(record, problem=problem, news=news) and record.media:
            delete_media(self._records, self._store, record.media)


class _Diary:
    """Collects events and writes them in bundles."""

    def __init__(self, records: Records, job_id: str, last: int) -> None:
        self._records = records
        self._id = job_id
        self._number = last
        self._unwritten: list[Event] = []
        self._written = time.monotonic()

    def examined(self, examiner: str, evidence: list[dict[str, Any]]) -> bool:
        """Note a finished examiner; False when nobody wants the result any more."""
        told = [{name: item[name] for name in _TOLD} for item in evidence]
        self._add("examined", {"examiner": examiner, "evidence": told})
        if time.monotonic() - self._written < TELL_SECONDS:
            return True
        news, self._unwritten = self._unwritten, []
        self._written = time.monotonic()
        return self._records.tell(self._id, news)

    def take(self, kind: str, data: dict[str, Any]) -> list[Event]:
        """What is still to be written, with this event as the last."""
        self._add(kind, data)
        return self._unwritten

    def _add(self, kind: str, data: dict[str, Any]) -> None:
        self._number += 1
        self._unwritten.append(Event(self._number, kind, data))

"""What a running service is made of, and what it does with an upload."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import IO

from fastapi import FastAPI, Request
from starlette.concurrency import run_in_threadpool

from assay.api import reservations, retention
from assay.api.capacity import Busy
from assay.api.direct_uploads.store import DirectUploads
from assay.api.errors import ServiceError
from assay.api.examining import Pool, chosen_examiners, render
from assay.api.jobs import DurableJobs, Jobs, Worker
from assay.api.media_store import MediaGone, MediaStore, StoreUnavailable
from assay.api.records import Record, Records, open_database
from assay.api.records.store import Change, Priority, new_id
from assay.api.watching import Watcher
from assay.databases import empty_log
from assay.settings import settings


class UnknownVerification(ServiceError):
    """There is no such verification."""

    code = "unknown-verification"
    http_status = 404


class Runtime:
    """The parts of one process of the service.

    Args:
        warm: start examining children with the service, with their models loaded.

    Attributes:
        records, uploads, store, jobs: shared with other processes.
        watcher: wakes requests that wait for a result.
        pictures: a child that makes pictures for reports, started when first needed.
    """

    def __init__(self, *, warm: bool = False) -> None:
        self._warm = warm
        self.records = Records(open_database())
        self.uploads = DirectUploads(self.records.engine)
        self.store = MediaStore.open()
        self.watcher = Watcher(self.records)
        self.pictures = Pool(1, warm=False)
        self.worker: Worker | None = None
        self.jobs: Jobs = DurableJobs()
        if settings().role == "all":
            examiners = chosen_examiners(self.store, warm=warm)
            self.worker = Worker(self.records, self.store, examiners)
            self.jobs = self.worker.jobs

    def start(self) -> None:
        """Open the queue; with the role `all`, run jobs too."""
        if self.worker:
            self.worker.start(warm=self._warm)
        else:
            self.jobs.start()

    def stop(self) -> None:
        """Let running jobs finish; what does not is run again later."""
        if self.worker:
            self.worker.stop()
        else:
            self.jobs.stop(0)
        self.pictures.close()

    def accept(
        self, file: IO[bytes], *, name: str | None, caller: str, priority: Priority = "live"
    ) -> Record:
        """Keep an upload and queue its examination: from now on it gets exactly one result.

        Raises:
            Busy: too many wait already.
            StoreUnavailable, QueueUnavailable: it could not be kept; nothing is left of it.
        """
        with self.new_media() as key:
            file.seek(0)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]
            size = file.tell()
            file.seek(0)
            self.store.put(key, file)
            return self.queue(
                key, caller=caller, name=name, sha256=sha256, size=size, priority=priority
            )

    @contextmanager
    def new_media(self) -> Iterator[str]:
        """The key of an object that is to be made; nothing is left of it if the block fails.

        Raises:
            Busy: too many wait already.
        """
        if self.records.count_unfinished() >= settings().max_queued:
            raise Busy("too many verifications are queued", advice="try again in a minute")
        key = new_id()
        retention.promise(self.records, key)
        try:
            yield key
        except BaseException as error:
            unused = retention.hasten(self.records, key)
            if unused and not isinstance(error, StoreUnavailable):  # the caretaker has patience
                with suppress(StoreUnavailable):
                    retention.delete_media(self.records, self.store, key)
            raise

    def queue(
        self,
        key: str,
        *,
        caller: str,
        name: str | None,
        sha256: str,
        size: int,
        priority: Priority,
        also: Change | None = None,
    ) -> Record:
        """Write down that an object is to be examined, and queue it.

        Args:
            also: as `Records.add`.

        Raises:
            QueueUnavailable: it could not be queued; there is no record of it.
        """
        record = self.records.add(
            id=new_id(),
            caller=caller,
            name=name,
            sha256=sha256,
            size=size,
            media=key,
            priority=priority,
            also=also,
        )
        try:
            self.jobs.submit(record.id, priority)
        except BaseException:
            self.records.delete(record.id)
            raise
        return record

    def find(self, id: str, owner: str | None = None) -> Record:
        """One record.

        Args:
            owner: id of the caller who may see it; None sees every caller's.

        Raises:
            UnknownVerification: there is none, or it is another caller's.
        """
        record = self.records.get(id, owner)
        if record is None:
            raise UnknownVerification(f"no verification {id}")
        return record

    def picture(self, record: Record, what: str = "thumbnail") -> bytes | None:
        """A picture of the media as PNG, one of `examining.child.PICTURES`.

        None when the media are deleted or no picture can be made of them.
        """
        if record.media is None:
            return None
        try:
            with self.store.get(record.media) as file:
                return render(self.pictures, file, what)
        except MediaGone:
            return None

    def delete_upload(self, id: str, owner: str) -> None:
        """Delete a direct upload; what was made of it stays.

        Raises:
            UnknownUpload: there is none, or it is another caller's.
            StoreUnavailable: the object could not be deleted; the upload stays.
        """
        self.store.delete(self.uploads.find(id, owner).key)
        self.uploads.withdraw(id, owner)
        empty_log(self.records.engine)

    def delete(self, id: str, owner: str | None = None) -> None:
        """Delete a verification: media, record, events, kept answers, its place in the queue.

        Raises:
            UnknownVerification: as `find`.
            StoreUnavailable: the media could not be deleted; the record stays.
        """
        record = self.find(id, owner)
        if record.media:
            retention.delete_media(self.records, self.store, record.media)
        for upload in self.uploads.forget(id):
            self.store.delete(upload.key)
            reservations.forget(upload.id)
        reservations.forget(id)
        self.records.delete(id)
        self.jobs.forget(id)
        # A reader elsewhere can be in the way; the caretaker empties the log again soon.
        empty_log(self.records.engine)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the parts for as long as the server runs; `app.state.runtime` holds them."""
    runtime = await run_in_threadpool(Runtime, warm=app.state.warm)
    await run_in_threadpool(runtime.start)
    app.state.runtime = runtime
    try:
        yield
    finally:
        await run_in_threadpool(runtime.stop)


def runtime_of(request: Request) -> Runtime:
    """The parts of this process, as a dependency of operations."""
    runtime: Runtime = request.app.state.runtime
    return runtime

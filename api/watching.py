"""Waiting for news of verifications: one look at the database for everyone who waits."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from assay.api.records import Record, Records
from assay.api.records.store import Status

LOOK_SECONDS = 0.05  # between two looks, while anyone waits


class Watcher:
    """Wakes those who wait for a verification, whichever process works on it."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._seen: dict[str, tuple[Status, int] | None] = {}
        self._task: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def follow(self, id: str) -> AsyncIterator[asyncio.Event]:
        """An event that is set whenever there is news; clear it before you look."""
        news = asyncio.Event()
        self._waiting[id].add(news)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look())
        try:
            yield news
        finally:
            self._waiting[id].discard(news)
            if not self._waiting[id]:
                del self._waiting[id]
                self._seen.pop(id, None)

    async def finished(self, id: str, seconds: float) -> Record | None:
        """The record once it is finished, or as it stands after this time; None if deleted."""
        end = time.monotonic() + seconds
        async with self.follow(id) as news:
            while True:
                news.clear()
                record = await asyncio.to_thread(self._records.get, id)
                left = end - time.monotonic()
                if record is None or record.is_finished or left <= 0:
                    return record
                try:
                    await asyncio.wait_for(news.wait(), left)
                except TimeoutError:
                    continue

    async def _look(self) -> None:
        while self._waiting:
            ids = list(self._waiting)
            try:
                states = await asyncio.to_thread(self._records.states, ids)
            except SQLAlchemyError:
                await asyncio.sleep(1)
                continue
            for id in ids:
                state = states.get(id)
                if id in self._waiting and (id not in self._seen or self._seen[id] != state):
                    self._seen[id] = state
                    for news in self._waiting[id]:
                        news.set()
            await asyncio.sleep(LOOK_SECONDS)

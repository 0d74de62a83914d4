"""Worker processes on one machine, of which any may be killed at any time.

A file that takes its worker down, or holds it too long, is tried again: the worker may have
died of something else. A file that does so every time is answered with the reason.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from assay.errors import MissingExtra
from assay.reports.scanning.answering import Question, answer, unanswered

ATTEMPTS = 3
STARTS = 5
"""Of the whole pool, in a row, without an answer between them."""
FILE_SECONDS = 120.0
"""For one file; a 2-minute video of 1080 lines takes about 60 s."""
RECYCLED_AFTER = 2000
"""Files; bounds what native decoders leak."""
MEMORY_BYTES = 12 << 30
"""Address space of a worker, of which a third is libraries and idle thread stacks."""
_SINGLE_THREADED = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class _Try:
    index: int
    number: int


class Workers:
    """A pool that answers questions; close it, or use it as a context manager.

    Args:
        count: worker processes, each on one thread.
        file_seconds: wall-clock limit for one file.
    """

    def __init__(self, count: int, *, file_seconds: float = FILE_SECONDS) -> None:
        try:
            from pebble import ProcessPool
        except ModuleNotFoundError as error:
            raise MissingExtra(
                "scanning needs pebble", advice="pip install 'assay[scale]'"
            ) from error
        self._count = count
        self._file_seconds = file_seconds
        self._make: Callable[[], Any] = partial(
            ProcessPool,
            max_workers=count,
            max_tasks=RECYCLED_AFTER,
            initializer=_limit,
            context=multiprocessing.get_context("spawn"),
        )
        self._pool: Any = self._make()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()

    def answers(self, questions: Sequence[Question]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Index and row of every question, in the order in which they get ready."""
        waiting = list(reversed([_Try(index, 1) for index in range(len(questions))]))
        running: dict[Future[dict[str, Any]], _Try] = {}
        starts = 1
        while waiting or running:
            try:
                # Two a worker: the next file is at hand when one is done.
                while waiting and len(running) < 2 * self._count:
                    running[self._ask(questions[waiting[-1].index])] = waiting[-1]
                    waiting.pop()
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    attempt = running[future]
                    row = self._outcome(future, questions[attempt.index], attempt)
                    del running[future]
                    if row is None:
                        waiting.append(_Try(attempt.index, attempt.number + 1))
                    else:
                        starts = 1
                        yield attempt.index, row
            except RuntimeError:  # the pool broke
                # Killed before they took a file: nobody is to blame, unless it never ends.
                if (starts := starts + 1) > STARTS:
                    raise
                waiting.extend(running.values())
                running.clear()
                self._restart()

    def _ask(self, question: Question) -> Future[dict[str, Any]]:
        future: Future[dict[str, Any]] = self._pool.schedule(
            answer, args=[question], timeout=self._file_seconds
        )
        return future

    def _restart(self) -> None:
        self._pool.stop()
        self._pool.join()
        self._pool = self._make()

    def _outcome(
        self, future: Future[dict[str, Any]], question: Question, attempt: _Try
    ) -> dict[str, Any] | None:
        """A row, or None if the file is to be tried again."""
        from pebble import ProcessExpired

        try:
            return future.result()
        except TimeoutError:
            error, message = "too-slow", f"took more than {self._file_seconds:g} s"
        except ProcessExpired:
            error, message = "crashed", "takes down the process that decodes it"
        if attempt.number < ATTEMPTS:
            return None
        return unanswered(question, error, message)


def single_threaded() -> None:
    """Make worker processes that are started from here on use one thread each."""
    os.environ.update(_SINGLE_THREADED)


def _limit() -> None:
    import resource
    import signal

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    # Ctrl-C reaches the whole group; only the driver answers it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    import cv2

    cv2.setNumThreads(1)

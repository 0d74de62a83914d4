"""Warm child processes, as many as examinations run at once."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any

from assay.api.errors import RetryLater
from assay.api.examining import channel
from assay.settings import settings

START_SECONDS = 120.0
"""For a child to start: importing everything and loading models from a cold disk."""
RECYCLE_JOBS = 500
"""A child is replaced after so many examinations, whatever native libraries leak."""
RECYCLE_GROWTH = 500_000_000
"""Bytes of memory a child may have grown by since it was new."""
FAILED_STARTS = 3  # in a row, until those who wait are told

_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from assay.api.examining.child import main; main()"
)


class ChildDied(Exception):
    """The process ended in the middle of an examination; the message says how."""


class TookTooLong(Exception):
    """The examination was ended by the clock."""


class PoolClosed(BaseException):
    """The service is stopping. Not an error of the job: it runs again elsewhere, or later."""


class ChildFailed(RetryLater):
    """No child process starts, so nothing can be examined."""

    code = "examining-unavailable"

    def __init__(self, why: str) -> None:
        super().__init__(
            f"the examining process does not start: {why}", seconds=60, advice="run assay doctor"
        )


class Child:
    """One process that examines one file at a time."""

    def __init__(self, threads: int, *, warm: bool) -> None:
        ours, theirs = socket.socketpair()
        lifeline, held = os.pipe()
        self._lifeline = os.fdopen(held, "wb", buffering=0)
        try:
            with theirs:
                passed = (theirs.fileno(), lifeline)
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-c", _BOOT, json.dumps(sys.path)),
                        *("warm" if warm else "cold", *map(str, passed)),
                    ],
                    pass_fds=passed,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, **_thread_limits(threads)},
                    start_new_session=True,  # so that its own children end with it
                )
        except BaseException:
            self._lifeline.close()
            ours.close()
            raise
        finally:
            os.close(lifeline)
        self._channel = ours
        self._ended = False
        self._first_size = self._size = self.jobs = 0

    def wait_until_ready(self) -> None:
        """Let the child load what it needs.

        Raises:
            ChildDied: it ended instead.
        """
        self._channel.settimeout(START_SECONDS)
        try:
            channel.receive(self._channel)
        except (OSError, EOFError, ValueError) as error:
            raise ChildDied(self._how_it_ended()) from error

    def ask(
        self, file: IO[bytes], request: dict[str, Any], seconds: float
    ) -> Iterator[dict[str, Any]]:
        """The answers to one request.

        Raises:
            ChildDied: the process ended.
            TookTooLong: the clock ended it.
        """
        deadline = time.monotonic() + seconds
        try:
            self._channel.settimeout(seconds)
            channel.send_file(self._channel, file)
            channel.send(self._channel, {**request, "seconds": seconds})
            while True:
                self._channel.settimeout(max(0.001, deadline - time.monotonic()))
                answer = channel.receive(self._channel)
                if "picture" in answer:
                    answer["png"] = channel.receive_bytes(self._channel)
                if "resident" in answer:
                    self._note(answer["resident"])
                    return
                yield answer
        except TimeoutError as error:
            raise TookTooLong(f"it took over {seconds:g} s") from error
        except (OSError, EOFError, ValueError) as error:
            raise ChildDied(self._how_it_ended()) from error

    @property
    def is_used_up(self) -> bool:
        """Whether a new process should take its place."""
        return self.jobs >= RECYCLE_JOBS or self._size - self._first_size > RECYCLE_GROWTH

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the process and everything it started; nothing happens the second time."""
        if self._ended:
            return
        self._ended = True
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._channel.close()
        self._lifeline.close()

    def _note(self, size: int) -> None:
        self.jobs += 1
        self._size = size
        self._first_size = self._first_size or size

    def _how_it_ended(self) -> str:
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(timeout=5)
            if code < 0:
                return f"the process was ended by {signal.Signals(-code).name}"
            return f"the process exited with {code}"
        return "the process fell silent"


class Pool:
    """At most `size` children, started when first needed and replaced when they end.

    Args:
        size: default: the setting `workers`, or the number of CPUs.
        warm: children are ready only when models are loaded; without, they start quickly.
    """

    def __init__(self, size: int | None = None, *, warm: bool = True) -> None:
        self.size = size or settings().workers or os.cpu_count() or 1
        self._warm = warm
        self._changed = threading.Condition()
        self._idle: list[Child] = []
        self._busy: set[Child] = set()
        self._starting: set[Child] = set()
        self._start_errors: list[str] = []
        self._closed = False

    def start(self) -> None:
        """Begin to start every child, without waiting."""
        with self._changed:
            while self._count() < self.size and not self._closed and self._start_one():
                pass

    @contextmanager
    def child(self) -> Iterator[Child]:
        """Hold one child; wait for it if need be. It is replaced if the block raises.

        Raises:
            PoolClosed: the pool is closed, or is closed while the child works.
            ChildFailed: children do not start.
        """
        child = self._take()
        try:
            yield child
        except BaseException:
            self._retire(child)
            if self._closed:
                raise PoolClosed from None
            raise
        if child.is_used_up:
            self._retire(child)
        else:
            self._give_back(child)

    def close(self) -> None:
        """End every child; whoever holds one gets `PoolClosed`."""
        with self._changed:
            self._closed = True
            children = [*self._idle, *self._busy, *self._starting]
            self._idle.clear()
            self._changed.notify_all()
        for child in children:
            child.end()

    def _take(self) -> Child:
        with self._changed:
            while True:
                if self._closed:
                    raise PoolClosed
                while self._idle:
                    child = self._idle.pop()
                    if child.is_alive:
                        self._busy.add(child)
                        return child
                    child.end()
                if len(self._start_errors) >= FAILED_STARTS:
                    why, self._start_errors = self._start_errors[-1], []
                    raise ChildFailed(why)
                if self._count() < self.size and not self._start_one():
                    continue
                self._changed.wait(timeout=60)

    def _give_back(self, child: Child) -> None:
        with self._changed:
            self._busy.discard(child)
            self._idle.append(child)
            self._changed.notify()

    def _retire(self, child: Child) -> None:
        """End a child and start the next one at once, before anyone waits for it."""
        child.end()
        with self._changed:
            self._busy.discard(child)
        self.start()

    def _count(self) -> int:
        return len(self._idle) + len(self._busy) + len(self._starting)

    def _start_one(self) -> bool:
        try:
            child = Child(max(1, (os.cpu_count() or 1) // self.size), warm=self._warm)
        except OSError as error:
            self._start_errors.append(str(error))
            return False
        self._starting.add(child)
        threading.Thread(target=self._await_start, args=(child,), daemon=True).start()
        return True

    def _await_start(self, child: Child) -> None:
        failure = None
        try:
            child.wait_until_ready()
        except ChildDied as error:
            failure = str(error)
        with self._changed:
            self._starting.discard(child)
            if failure is None and not self._closed:
                self._start_errors.clear()
                self._idle.append(child)
            elif failure:
                self._start_errors.append(failure)
            self._changed.notify_all()
        if failure or self._closed:
            child.end()


def _thread_limits(threads: int) -> dict[str, str]:
    """Children share the processors instead of each taking all."""
    names = (
        "NUMBA_NUM_THREADS",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "OPENCV_FOR_THREADS_NUM",
    )
    return {name: os.environ.get(name, str(threads)) for name in names}

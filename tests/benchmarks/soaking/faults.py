"""Faults, one after the other in a drawn order, and how long the service needs after each."""

from __future__ import annotations

import hashlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

import psutil

from tests.benchmarks.soaking.clients import Caller, read_answer, send_upload
from tests.benchmarks.soaking.ledger import Ledger, Upload
from tests.benchmarks.soaking.pictures import Files
from tests.benchmarks.soaking.servers import Postgres, Service
from tests.faults.failing_store import Trouble

LONGEST = 6.0  # seconds that the database or the bucket is away
KILL_MEANWHILE = 0.25  # of outages: a process is killed in the middle, too
PAUSE = (6.0, 14.0)  # seconds between recovery and the next fault


@dataclass(frozen=True)
class Happened:
    """One fault.

    Attributes:
        at: seconds since the start of the soak.
        usual: seconds that an upload took just before.
        lasted: seconds until the cause was gone.
        recovered: seconds from then until a new upload had its result.
        attempts: uploads that were sent for that.
        load: processes of the machine that wanted a processor then, the mean of a minute.
    """

    at: float
    what: str
    usual: float
    lasted: float
    recovered: float
    attempts: int
    load: float

    def as_json(self) -> dict[str, Any]:
        return {
            name: round(value, 2) if isinstance(value, float) else value
            for name, value in asdict(self).items()
        }


class Faults:
    """What is done to the service.

    Args:
        mortal: the API process and the worker that are killed; their twins never are, so that
            their counters and their memory tell of the whole time.
        services: all of them.
    """

    def __init__(
        self,
        *,
        database: Postgres,
        bucket: Trouble,
        services: Sequence[Service],
        mortal: Sequence[Service],
        caller: Caller,
        files: Files,
        ledger: Ledger,
        seed: int,
    ) -> None:
        self.happened: list[Happened] = []
        self._database = database
        self._bucket = bucket
        self._services = services
        self._mortal = mortal
        self._caller = caller
        self._files = files
        self._ledger = ledger
        self._drawn = Random(seed)
        self._probes = 0

    def run(self, end: float, tell: Callable[[Happened], None]) -> None:
        """Make faults until `end` (monotonic); every kind comes about equally often."""
        began = time.monotonic()
        for name, fault in self._endless():
            time.sleep(self._drawn.uniform(*PAUSE))
            self.until_all_are_ready()
            if time.monotonic() > end:
                return
            usual, _ = self._until_answered()
            at = time.monotonic()
            if (detail := fault()) is None:
                continue
            lasted = time.monotonic() - at
            recovered, attempts = self._until_answered()
            happened = Happened(
                at=at - began,
                what=f"{name}{detail}",
                usual=usual,
                lasted=lasted,
                recovered=recovered,
                attempts=attempts,
                load=os.getloadavg()[0],
            )
            self.happened.append(happened)
            tell(happened)

    def until_all_are_ready(self) -> None:
        """Wait for processes that are starting."""
        while not all(service.is_ready for service in self._services):
            time.sleep(0.1)

    def _endless(self) -> Iterator[tuple[str, Callable[[], str | None]]]:
        api, worker = self._mortal
        kinds: dict[str, Callable[[], str | None]] = {
            "worker killed": lambda: self._kill(worker),
            "API process killed": lambda: self._kill(api),
            "examining child killed": self._kill_child,
            "database restarted (fast)": lambda: self._restart(signal.SIGINT),
            "database restarted (immediate)": lambda: self._restart(signal.SIGQUIT),
            "database session killed": self._kill_session,
            "database frozen": self._freeze,
            "database connections cut": self._cut,
            "bucket refuses": self._refuse,
            "bucket slow": self._slow,
        }
        while True:
            names = list(kinds)
            self._drawn.shuffle(names)
            for name in names:
                yield name, kinds[name]

    def _until_answered(self) -> tuple[float, int]:
        """Send new uploads, one at a time, until one has its result.

        Returns:
            The seconds that took, and how many it were.
        """
        began = time.monotonic()
        for attempt in range(1, 1000):
            self._probes += 1
            key = f"probe {self._probes}"
            data = self._files.good(self._drawn, key)
            upload = Upload(key, hashlib.sha256(data).hexdigest())
            self._ledger.uploads[key] = upload
            answer = send_upload(self._caller, upload, data, "wait=60", once=True)
            read_answer(upload, answer, self._ledger)
            if upload.status == "done":
                return time.monotonic() - began, attempt
            time.sleep(0.1)
        raise AssertionError("unreachable: the run has an end")

    def _kill(self, service: Service) -> str:
        service.kill()
        return ""

    def _kill_child(self) -> str | None:
        workers = [each for each in self._services if each.address is None]
        children = [child for worker in workers for child in worker.children()]
        if not children:
            return None
        with suppress(psutil.NoSuchProcess):
            self._drawn.choice(children).kill()
        return ""

    def _restart(self, number: signal.Signals) -> str:
        self._database.stop(number)
        with self._perhaps_a_kill() as more:
            time.sleep(self._drawn.uniform(0.2, LONGEST / 2))
        self._database.start()
        return more

    def _kill_session(self) -> str:
        self._database.kill_a_session()
        time.sleep(0.1)
        self._database.wait()
        return ""

    def _freeze(self) -> str:
        with self._database.frozen(), self._perhaps_a_kill() as more:
            time.sleep(self._drawn.uniform(2.0, LONGEST))
        return more

    def _cut(self) -> str:
        for _ in range(3):
            self._database.cut_sessions()
            time.sleep(0.5)
        return ""

    def _refuse(self) -> str:
        self._bucket.refusing = True
        with self._perhaps_a_kill() as more:
            time.sleep(self._drawn.uniform(2.0, LONGEST))
        self._bucket.refusing = False
        return more

    def _slow(self) -> str:
        self._bucket.pieces, self._bucket.pause = 20, 0.1
        with self._perhaps_a_kill() as more:
            time.sleep(self._drawn.uniform(2.0, LONGEST))
        self._bucket.pieces, self._bucket.pause = 1, 0.0
        return more

    @contextmanager
    def _perhaps_a_kill(self) -> Iterator[str]:
        """Sometimes kill a process while something else is away."""
        if self._drawn.random() >= KILL_MEANWHILE:
            yield ""
            return
        victim = self._drawn.choice(self._mortal)
        self._kill(victim)
        yield f", {victim.name} killed meanwhile"

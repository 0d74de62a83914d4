"""A real `assay serve` in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from assay.settings import settings


@contextmanager
def assay_serve(*arguments: str, **environment: str) -> Iterator[tuple[Any, int, Path]]:
    """The command in a process of its own, answering; its port and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = settings().home / "serve.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "assay", "serve", "--port", str(port), *arguments],
            stderr=stream,
            stdout=subprocess.DEVNULL,
            env={**os.environ, "ASSAY_WORKERS": "1", **environment},
        )
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                break
        yield process, port, log
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()

"""A real server on a free loopback port, in this process."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn

from assay.api import create_app
from assay.provenance import keys


@pytest.fixture
def server(isolated_home: object) -> Iterator[str]:
    """Address of a running server with development keys."""
    keys.init()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(create_app(), host="127.0.0.1", port=port, log_level="error")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    while not running.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    running.should_exit = True
    thread.join(timeout=30)


@pytest.fixture
def client(server: str) -> Iterator[httpx.Client]:
    """An HTTP client of the server."""
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


@dataclass(frozen=True)
class Service:
    """A service in a process of its own, as an operator starts it."""

    address: str
    home: Path


@contextmanager
def serving(home: Path, **environment: str) -> Iterator[Service]:
    """Run `assay serve` on a free loopback port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = {
        "ASSAY_HOME": str(home),
        "ASSAY_LOG_LEVEL": "error",
        "ASSAY_WORKERS": "1",
        "ASSAY_FETCH_ALLOWED_HOSTS": "127.0.0.1",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "serve", "--port", str(port)],
        env={**os.environ, **settings, **environment},
    )
    address = f"http://127.0.0.1:{port}"
    try:
        while not _answers(address):
            assert process.poll() is None, "the service did not start"
            time.sleep(0.05)
        yield Service(address, home)
    finally:
        process.terminate()
        process.wait(timeout=60)


def _answers(address: str) -> bool:
    try:
        return httpx.get(f"{address}/healthz").is_success
    except httpx.TransportError:
        return False


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """One service with development keys for many tests, open to people at this machine."""
    home = tmp_path_factory.mktemp("service-home")
    environment = {**os.environ, "ASSAY_HOME": str(home)}
    subprocess.run([sys.executable, "-m", "assay", "keys", "init"], env=environment, check=True)
    with serving(home) as running:
        yield running


@pytest.fixture(scope="session")
def closed_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service that asks who calls; it accepts uploads and examines none."""
    with serving(
        tmp_path_factory.mktemp("closed-home"), ASSAY_AUTH="required", ASSAY_ROLE="api"
    ) as running:
        yield running

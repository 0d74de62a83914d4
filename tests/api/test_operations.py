"""Health, readiness, metrics, and a real `assay serve` that is told to stop."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from assay.api.access.keys import KeyStore
from assay.api.operations import checks, health
from assay.api.operations.listening import address_of, listen
from assay.api.records import open_database
from assay.encoding import encode_png
from assay.errors import ConfigurationError
from assay.settings import settings
from tests.api.served import assay_serve
from tests.api.small_app import calling, small_app


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    monkeypatch.setattr(health, "REMEMBER_SECONDS", -1.0)
    with calling(small_app()) as client:
        yield client


class TestReadiness:
    def test_ready(self, client: TestClient) -> None:
        response = client.get("/readyz")
        assert response.status_code == 200
        parts = response.json()["parts"]
        assert parts == {"database": True, "media store": True, "models": True, "disk": True}

    def test_no_room_on_the_disk(self, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "FREE_BYTES", 1 << 60)
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["status"] == "not-ready"
        assert response.json()["parts"]["disk"] is False
        assert response.json()["parts"]["database"] is True

    def test_a_store_that_cannot_be_written(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        blocked = tmp_path / "file"
        blocked.write_text("not a folder")
        monkeypatch.setenv("ASSAY_MEDIA_URL", (blocked / "media").as_uri())
        settings.cache_clear()
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["parts"]["media store"] is False
        assert str(tmp_path) not in response.text

    def test_a_database_that_is_gone(
        self, client: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "file").write_text("not a database, and long enough to be looked at" * 50)
        monkeypatch.setenv("ASSAY_DATABASE_URL", f"sqlite:///{tmp_path}/file")
        settings.cache_clear()
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["parts"]["database"] is False


def test_metrics(client: TestClient) -> None:
    def value(name: str, **labels: str) -> float:
        found = [
            sample.value
            for family in text_string_to_metric_families(client.get("/metrics").text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return sum(found)

    before = value("assay_http_requests_total", route="/v1/caller", status="200")
    unknown = value("assay_http_requests_total", route="unknown", status="404")
    client.get("/v1/caller")
    client.get("/v1/one-of-many-addresses")
    client.request("INVENTED", "/v1/caller")
    assert value("assay_http_requests_total", route="/v1/caller", status="200") == before + 1
    assert value("assay_http_requests_total", route="unknown", status="404") == unknown + 1
    assert value("assay_http_requests_total", method="INVENTED") == 0
    assert value("assay_http_request_seconds_count", route="/v1/caller") >= 1
    assert value("assay_http_requests_at_work") == 1


def test_told_to_stop_it_finishes_what_it_began(chelsea: np.ndarray) -> None:
    """SIGTERM in the middle of an upload: the answer comes, then the process ends with 0.

    It listens on every address, so it asks who calls, on loopback too.
    """
    _, key = KeyStore(open_database()).create("first", ["verify"])
    known = {"Authorization": f"Bearer {key}"}
    with assay_serve("--host", "0.0.0.0") as (process, port, log):
        url = f"http://127.0.0.1:{port}/v1/caller"
        assert httpx.get(url).status_code == 401
        assert httpx.get(url, headers=known).status_code == 200
        data = encode_png(chelsea)
        half_sent, go_on = threading.Event(), threading.Event()

        def body() -> Iterator[bytes]:
            yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
            yield data[:1000]
            half_sent.set()
            assert go_on.wait(30)
            yield data[1000:] + b"\r\n--x--\r\n"

        answers: list[httpx.Response] = []

        def upload() -> None:
            headers = {**known, "Content-Type": "multipart/form-data; boundary=x"}
            url = f"http://127.0.0.1:{port}/v1/matches"
            answers.append(httpx.post(url, content=body(), headers=headers, timeout=60))

        thread = threading.Thread(target=upload)
        thread.start()
        assert half_sent.wait(30)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 30
        refused = False
        while not refused and time.monotonic() < deadline:
            try:
                httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=5)
                time.sleep(0.05)
            except httpx.TransportError:
                refused = True
        assert refused
        assert process.poll() is None
        go_on.set()
        thread.join(60)
        assert [answer.status_code for answer in answers] == [200]
        assert process.wait(60) == 0

    events = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    assert "stopped" in {event["event"] for event in events}


def run_to_its_end(*arguments: str) -> subprocess.CompletedProcess[str]:
    """`assay serve` that does not get as far as serving."""
    return subprocess.run(
        [sys.executable, "-m", "assay", "serve", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_port_in_use_is_said_at_once_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = run_to_its_end("--port", str(port))
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"assay: port {port} is already in use (")
    assert "--port" in line


def test_a_number_that_is_no_port_is_refused() -> None:
    done = run_to_its_end("--port", "99999")
    assert done.returncode == 2
    assert "less than or equal to 65535" in done.stderr
    assert "listens" not in done.stderr


def test_a_free_port_is_taken_and_said() -> None:
    opened = listen("127.0.0.1", 0)
    try:
        address = address_of("127.0.0.1", opened)
        port = opened[0].getsockname()[1]
        assert address == f"http://127.0.0.1:{port}"
        assert port > 0
        with pytest.raises(ConfigurationError, match=f"port {port} is already in use"):
            listen("127.0.0.1", port)
    finally:
        for each in opened:
            each.close()
    with pytest.raises(ConfigurationError, match="not an address of this machine"):
        listen("203.0.113.7", 0)


def test_another_address_needs_a_key() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "assay", "serve", "--host", "0.0.0.0", "--port", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert refused.returncode == 2
    assert "no API key" in refused.stderr
    assert "assay access create" in refused.stderr


def test_a_backup_is_a_service_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As docs/how-to/operate.md says: copied by SQLite while in use, put back elsewhere."""
    import sqlite3

    _, key = KeyStore(open_database()).create("newsroom", ["verify"])
    home, restored = settings().home, tmp_path / "restored"
    restored.mkdir()
    source, copy = (sqlite3.connect(at / "service.sqlite") for at in (home, restored))
    source.backup(copy)
    source.close()
    copy.close()

    monkeypatch.setenv("ASSAY_HOME", str(restored))
    settings.cache_clear()
    assert KeyStore(open_database()).recognise(key) is not None

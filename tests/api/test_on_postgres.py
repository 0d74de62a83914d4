"""Keys, sessions, kept answers, signatures and audits in PostgreSQL, by the same code."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import numpy as np
import pytest

from assay.api import works
from assay.api.access.callers import ANONYMOUS
from assay.api.access.keys import KeyStore
from assay.api.access.sessions import SessionStore
from assay.api.audits import router as audits
from assay.api.audits.store import AuditStore
from assay.api.records import open_database
from assay.api.signatures import router as signatures
from assay.encoding import encode_png
from assay.provenance import keys
from assay.settings import settings
from tests.api.small_app import calling, small_app


@pytest.fixture
def on_postgres(postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
    settings.cache_clear()
    assert open_database().dialect.name == "postgresql"


@pytest.mark.usefixtures("on_postgres")
def test_access() -> None:
    store = KeyStore(open_database())
    key, old = store.create("newsroom", ["verify"])
    _, new = store.rotate(key.id, grace=timedelta(hours=1))
    assert store.recognise(old) is not None
    assert store.recognise(new) is not None
    sessions = SessionStore(open_database())
    token = sessions.start(key)
    assert sessions.caller(token) is not None
    store.revoke(key.id)
    assert store.recognise(new) is None
    assert sessions.caller(token) is None


@pytest.mark.usefixtures("on_postgres")
def test_resources(coffee: np.ndarray) -> None:
    keys.init()
    picture = {"file": ("cup.png", encode_png(coffee))}
    with calling(small_app(signatures.router, works.router)) as client:
        headers = {"Idempotency-Key": "one"}
        first = client.post("/v1/signatures", files=picture, headers=headers)
        again = client.post("/v1/signatures", files=picture, headers=headers)
        assert (first.status_code, again.content) == (201, first.content)
        client.post("/v1/signatures", files=picture)
        page = client.get("/v1/signatures", params={"limit": 1}).json()
        rest = client.get("/v1/signatures", params={"limit": 1, "cursor": page["next"]}).json()
        assert [len(page["items"]), len(rest["items"]), rest["next"]] == [1, 1, None]
        assert client.delete(first.headers["location"]).status_code == 204

        made = client.post("/v1/works", files=picture, data={"title": "Cup"})
        assert client.get("/v1/works").json()["items"] == [made.json()]
        assert client.get("/v1/works/%00").status_code == 422


@pytest.mark.usefixtures("on_postgres")
def test_audits() -> None:
    store = AuditStore(open_database())
    store.add("one", ANONYMOUS, options={"title": "x"}, media="none")
    first = store.claim()
    assert first is not None
    assert store.claim() is None
    store.renew(first)
    assert store.finish(first, files={"report.json": b"{}"}, summary={"title": "x"}, problem=None)
    assert store.names(["one"]) == {"one": ["report.json"]}
    assert store.delete("one", ANONYMOUS) is not None
    assert store.file("one", "report.json") is None

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x.txt", "nothing to audit")
    with calling(small_app(audits.router)) as client:
        files = {"archive": ("a.zip", buffer.getvalue())}
        accepted = client.post("/v1/audits", files=files, data={"title": "x"})
        assert accepted.status_code == 202
        assert client.get("/v1/audits").json()["items"][0]["title"] == "x"

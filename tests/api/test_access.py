"""Who may call: keys, scopes, rotation, anonymous people, sessions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
import time_machine
from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.api.access import attempts
from assay.api.access.errors import KeyRefused, UnknownKey
from assay.api.access.keys import KeyStore
from assay.api.access.schema import api_keys
from assay.api.records import open_database
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

CALLER = "/v1/caller"


@pytest.fixture
def required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_AUTH", "required")
    settings.cache_clear()


@pytest.fixture
def app() -> FastAPI:
    return small_app()


@pytest.fixture
def anyone(app: FastAPI) -> Iterator[TestClient]:
    with calling(app) as client:
        yield client


@pytest.fixture
def store() -> KeyStore:
    return KeyStore(open_database())


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def code(response: object) -> str:
    document = response.json()  # type: ignore[attr-defined]
    return str(document["type"]).removeprefix("urn:assay:problem:")


class TestKeys:
    def test_a_key_is_shown_once_and_only_its_hash_is_kept(self, store: KeyStore) -> None:
        key, written = store.create("newsroom", ["verify", "sign"])

        assert written.startswith(f"assay_{key.id}_")
        secret = written.rpartition("_")[2]
        with open_database().connect() as connection:
            row = connection.execute(sa.select(api_keys)).mappings().one()
        assert row["secret_hash"].startswith("$argon2id$")
        assert secret not in str(dict(row))
        assert secret.encode() not in b"".join(
            file.read_bytes() for file in settings().home.rglob("*") if file.is_file()
        )

    def test_it_is_recognised_and_its_last_use_noted(self, store: KeyStore) -> None:
        key, written = store.create("newsroom", ["verify"])
        assert store.get(key.id).last_used is None

        known = store.recognise(written)

        assert known is not None
        assert known.caller().id == f"key:{key.id}"
        used = store.get(key.id).last_used
        assert used is not None
        assert datetime.now(UTC) - used < timedelta(seconds=10)

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda key: key[:-1] + ("0" if key[-1] != "0" else "1"),
            lambda key: key.replace("assay_", "other_"),
            lambda key: key[:-1],
            lambda key: key + "0",
            lambda key: key.upper(),
            lambda key: "assay_" + "0" * 16 + key[22:],
            lambda key: "",
        ],
    )
    def test_anything_else_is_not(self, store: KeyStore, spoil: object) -> None:
        _, written = store.create("newsroom", ["verify"])
        assert store.recognise(spoil(written)) is None  # type: ignore[operator]

    def test_revocation_is_immediate_although_the_key_was_just_used(self, store: KeyStore) -> None:
        key, written = store.create("newsroom", ["verify"])
        assert store.recognise(written) is not None
        store.revoke(key.id)
        assert store.recognise(written) is None

    def test_after_rotation_both_secrets_work_until_the_grace_period_ends(
        self, store: KeyStore
    ) -> None:
        key, old = store.create("newsroom", ["verify"])
        assert store.recognise(old) is not None
        rotated, new = store.rotate(key.id, grace=timedelta(hours=1))

        assert rotated.id == key.id
        assert old != new
        assert store.recognise(old) is not None
        assert store.recognise(new) is not None
        with time_machine.travel(datetime.now(UTC) + timedelta(minutes=61), tick=False):
            assert store.recognise(old) is None
            assert store.recognise(new) is not None

    def test_rotation_without_grace(self, store: KeyStore) -> None:
        key, old = store.create("newsroom", ["verify"])
        assert store.recognise(old) is not None
        store.rotate(key.id, grace=timedelta(0))
        assert store.recognise(old) is None

    def test_expiry(self, store: KeyStore) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=1)
        key, written = store.create("newsroom", ["verify"], expires=soon)
        assert store.recognise(written) is not None
        with time_machine.travel(soon, tick=False):
            assert store.recognise(written) is None
            assert not store.get(key.id).active
            assert not store.any_active()
            with pytest.raises(KeyRefused):
                store.rotate(key.id)

    @pytest.mark.parametrize(
        ("name", "scopes", "ago"),
        [("x", [], 0), ("x", ["everything"], 0), ("", ["verify"], 0), ("a\nb", ["verify"], 0),
         ("x", ["verify"], 60)],
    )  # fmt: skip
    def test_what_is_refused(self, store: KeyStore, name: str, scopes: list[str], ago: int) -> None:
        expires = datetime.now(UTC) - timedelta(seconds=ago) if ago else None
        with pytest.raises(KeyRefused):
            store.create(name, scopes, expires=expires)
        assert store.list() == []

    def test_an_unknown_id(self, store: KeyStore) -> None:
        for change in (store.get, store.rotate, store.revoke):
            with pytest.raises(UnknownKey):
                change("0" * 16)

    def test_a_key_that_was_verified_is_remembered(self, store: KeyStore) -> None:
        """Argon2 is paid once, not at every request."""
        from assay.api.access import hashing

        _, written = store.create("newsroom", ["verify"])
        store.recognise(written)
        calls = []
        plain = hashing._HASHER
        try:
            hashing._HASHER = type(  # type: ignore[assignment]
                "Counting", (), {"verify": lambda *args: calls.append(args)}
            )()
            assert store.recognise(written) is not None
        finally:
            hashing._HASHER = plain
        assert calls == []


@pytest.mark.usefixtures("required")
class TestRequired:
    def test_nobody_gets_in_without_a_key(self, anyone: TestClient) -> None:
        response = anyone.get(CALLER)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
        assert response.headers["content-type"] == "application/problem+json"
        assert code(response) == "unauthenticated"

    def test_a_key_says_who_calls(self, anyone: TestClient) -> None:
        response = anyone.get(CALLER, headers=bearer(new_key("verify", "sign")))
        assert response.status_code == 200
        assert response.json()["id"].startswith("key:")
        assert response.json()["scopes"] == ["sign", "verify"]

    @pytest.mark.parametrize(
        "header", ["Basic abc", "Bearer", "Bearer ", "bearer nonsense", "Bearer a.b.c", "\x7f"]
    )
    def test_other_headers(self, anyone: TestClient, header: str) -> None:
        assert anyone.get(CALLER, headers={"Authorization": header}).status_code == 401

    def test_the_scope_is_needed(self, anyone: TestClient) -> None:
        response = anyone.get("/v1/keys", headers=bearer(new_key("verify")))
        assert response.status_code == 403
        assert code(response) == "scope-missing"
        assert anyone.get("/v1/keys", headers=bearer(new_key("admin"))).status_code == 200

    def test_admin_stands_for_every_scope(self, anyone: TestClient) -> None:
        assert anyone.get("/metrics", headers=bearer(new_key("verify"))).status_code == 403
        assert anyone.get("/metrics", headers=bearer(new_key("metrics"))).status_code == 200
        assert anyone.get("/metrics", headers=bearer(new_key("admin"))).status_code == 200

    def test_health_needs_no_key(self, anyone: TestClient) -> None:
        assert anyone.get("/healthz").json()["status"] == "ok"
        assert anyone.get("/readyz").status_code in (200, 503)

    def test_guessing_is_slowed_down(self, anyone: TestClient) -> None:
        valid = bearer(new_key("verify"))
        assert anyone.get(CALLER, headers=valid).status_code == 200
        wrong = bearer("assay_" + "0" * 16 + "_" + "0" * 64)
        statuses = [anyone.get(CALLER, headers=wrong).status_code for _ in range(21)]
        assert statuses == [401] * 20 + [429]
        refused = anyone.get(CALLER, headers=bearer(new_key("verify")))
        assert refused.status_code == 429
        assert refused.headers["retry-after"] == "60"
        assert anyone.get(CALLER, headers=valid).status_code == 200
        attempts.forget()
        assert anyone.get(CALLER, headers=bearer(new_key("verify"))).status_code == 200

    def test_keys_over_http(self, anyone: TestClient) -> None:
        admin = bearer(new_key("admin"))
        made = anyone.post("/v1/keys", json={"name": "tool", "scopes": ["sign"]}, headers=admin)
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        key, id = made.json()["key"], made.json()["id"]
        assert anyone.get(CALLER, headers=bearer(key)).json()["id"] == f"key:{id}"

        rotated = anyone.post(f"/v1/keys/{id}/rotate", json={"grace_hours": 0}, headers=admin)
        assert rotated.status_code == 200
        assert anyone.get(CALLER, headers=bearer(key)).status_code == 401
        assert anyone.get(CALLER, headers=bearer(rotated.json()["key"])).status_code == 200

        assert anyone.delete(f"/v1/keys/{id}", headers=admin).status_code == 204
        assert anyone.get(CALLER, headers=bearer(rotated.json()["key"])).status_code == 401
        listed = anyone.get("/v1/keys", headers=admin)
        assert [item["active"] for item in listed.json()["items"]] == [True, False]
        assert key not in listed.text
        assert anyone.delete("/v1/keys/unknown", headers=admin).status_code == 404

    def test_a_stranger_is_turned_away_before_the_upload_is_read(self, app: FastAPI) -> None:
        read = 0

        def upload() -> Iterator[bytes]:
            nonlocal read
            for _ in range(50):
                read += 1
                yield bytes(100_000)

        from assay.api import works

        app.include_router(works.router)
        messages = list(upload())
        received = 0

        async def receive() -> dict[str, object]:
            nonlocal received
            received += 1
            return {"type": "http.request", "body": messages.pop(), "more_body": True}

        sent: list[dict[str, object]] = []

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope = {
            "type": "http", "method": "POST", "path": "/v1/works", "raw_path": b"/v1/works",
            "query_string": b"", "headers": [(b"content-type", b"multipart/form-data; boundary=x")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http",
            "http_version": "1.1", "root_path": "", "app": app,
        }  # fmt: skip
        import anyio

        anyio.run(app, scope, receive, send)
        assert sent[0]["status"] == 401
        assert received == 0

"""People on the pages: signing in and out, cookies, forms."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import time_machine
from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.settings import settings
from tests.api.small_app import calling, small_app

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


@pytest.mark.usefixtures("required")
class TestSessions:
    def test_a_person_signs_in_and_out(self, anyone: TestClient, store: KeyStore) -> None:
        key, written = store.create("ana", ["admin"])
        done = anyone.post("/sign-in", data={"key": written, "next": "/audits"})

        assert (done.status_code, done.headers["location"]) == (303, "/audits")
        cookie = done.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=strict" in cookie
        assert written not in cookie
        assert anyone.get(CALLER).json()["id"] == f"key:{key.id}"

        token = _csrf(anyone)
        assert anyone.post("/sign-out", data={"csrf_token": token}).status_code == 303
        anyone.cookies.set("assay_session", cookie.partition("=")[2].partition(";")[0])
        assert anyone.get(CALLER).status_code == 401

    def test_a_change_needs_the_token_of_the_form(
        self, anyone: TestClient, store: KeyStore
    ) -> None:
        anyone.post("/sign-in", data={"key": store.create("ana", ["admin"])[1]})
        body = {"name": "tool", "scopes": ["sign"]}
        assert anyone.post("/v1/keys", json=body).status_code == 403
        wrong = {"X-CSRF-Token": "0" * 64}
        assert anyone.post("/v1/keys", json=body, headers=wrong).status_code == 403
        right = {"X-CSRF-Token": _csrf(anyone)}
        assert anyone.post("/v1/keys", json=body, headers=right).status_code == 201
        foreign = {**right, "Origin": "https://attacker.example"}
        assert anyone.post("/v1/keys", json=body, headers=foreign).status_code == 403

    def test_it_ends_with_its_key_and_with_time(self, anyone: TestClient, store: KeyStore) -> None:
        key, written = store.create("ana", ["verify"])
        anyone.post("/sign-in", data={"key": written})
        assert anyone.get(CALLER).status_code == 200
        with time_machine.travel(time.time() + 12 * 3600 + 1, tick=False):
            assert anyone.get(CALLER).status_code == 401
        anyone.post("/sign-in", data={"key": written})
        store.revoke(key.id)
        assert anyone.get(CALLER).status_code == 401

    def test_a_wrong_key_gets_no_session(self, anyone: TestClient) -> None:
        refused = anyone.post("/sign-in", data={"key": "assay_wrong"})
        assert refused.status_code == 401
        assert "set-cookie" not in refused.headers
        assert "not a valid API key" in refused.text

    @pytest.mark.parametrize(
        "target", ["https://attacker.example", "//attacker.example", "/\\attacker.example", "x"]
    )
    def test_no_open_redirect(self, anyone: TestClient, target: str, store: KeyStore) -> None:
        written = store.create("ana", ["verify"])[1]
        done = anyone.post("/sign-in", data={"key": written, "next": target})
        assert done.headers["location"] == "/"

    def test_over_tls_the_cookie_is_secure(self, app: FastAPI, store: KeyStore) -> None:
        with calling(app, base_url="https://assay.example.org") as browser:
            done = browser.post("/sign-in", data={"key": store.create("ana", ["verify"])[1]})
            assert browser.get(CALLER).status_code == 200
            cookie = done.headers["set-cookie"]
            assert "Secure" in cookie
            assert "Path=/" in cookie
            name, _, rest = cookie.partition("=")
            assert name == "__Host-assay_session"  # no neighbouring host can set it
            browser.cookies.clear()
            browser.cookies.set("assay_session", rest.partition(";")[0])
            assert browser.get(CALLER).status_code == 401


def _csrf(client: TestClient) -> str:
    """What a page would put into its form."""
    from starlette.requests import Request

    from assay.api.access import csrf_token

    cookie = f"assay_session={client.cookies['assay_session']}".encode()
    return csrf_token(Request({"type": "http", "headers": [(b"cookie", cookie)]}))

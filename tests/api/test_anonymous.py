"""When no key is needed, and for whom the door is not open."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from assay.api.access.anonymous import is_loopback
from assay.api.access.binding import check_bind
from assay.api.access.errors import OpenBind
from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.settings import settings
from tests.api.small_app import calling, small_app

CALLER = "/v1/caller"


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


class TestAnonymous:
    def test_people_at_this_machine_need_no_key(self, anyone: TestClient) -> None:
        assert anyone.get(CALLER).json()["id"] == "anonymous"

    def test_a_wrong_key_is_refused_all_the_same(self, anyone: TestClient) -> None:
        assert anyone.get(CALLER, headers={"Authorization": "Bearer wrong"}).status_code == 401

    @pytest.mark.parametrize(
        "header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Host"]
    )
    def test_whoever_comes_through_a_proxy_does(self, anyone: TestClient, header: str) -> None:
        assert anyone.get(CALLER, headers={header: "127.0.0.1"}).status_code == 401

    def test_whoever_comes_from_elsewhere_does(self, app: FastAPI) -> None:
        with calling(app, address="192.0.2.7") as stranger:
            assert stranger.get(CALLER).status_code == 401

    def test_a_name_that_was_pointed_at_loopback(self, app: FastAPI) -> None:
        """DNS rebinding: the browser of a visitor sends the attacker's name as the host."""
        with calling(app) as browser:
            rebound = browser.get(CALLER, headers={"Host": "attacker.example:8000"})
            assert rebound.status_code == 401
            for name in ("localhost:8000", "[::1]:8000", "127.0.0.1"):
                assert browser.get(CALLER, headers={"Host": name}).status_code == 200

    @pytest.mark.parametrize(
        "headers",
        [
            {"Origin": "https://attacker.example"},
            {"Origin": "null"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site"},
            {"Origin": "http://127.0.0.1:9999"},
        ],
    )
    def test_a_page_of_another_site_changes_nothing(
        self, anyone: TestClient, headers: dict[str, str]
    ) -> None:
        body = {"name": "tool", "scopes": ["sign"]}
        refused = anyone.post("/v1/keys", json=body, headers=headers)
        assert refused.status_code == 403
        assert refused.json()["type"] == "urn:assay:problem:cross-site-request"
        assert anyone.get("/v1/keys").json() == {"items": []}
        own = {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-origin"}
        assert anyone.post("/v1/keys", json=body, headers=own).status_code == 201

    def test_off_trusts_a_proxy_on_loopback_and_nothing_else(
        self, app: FastAPI, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSAY_AUTH", "off")
        settings.cache_clear()
        with calling(app, address="192.0.2.7") as proxied:
            assert proxied.get(CALLER, headers={"Forwarded": "x"}).status_code == 200
        with calling(app, base_url="http://198.51.100.1") as exposed:
            assert exposed.get(CALLER).status_code == 401


class TestBinding:
    def test_loopback_is_open(self) -> None:
        assert check_bind("127.0.0.1") == check_bind("::1") == check_bind("localhost") == "auto"

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "assay.example.org", ""])
    def test_any_other_address_needs_a_key(self, host: str, store: KeyStore) -> None:
        with pytest.raises(OpenBind, match="no API key"):
            check_bind(host)
        key, _ = store.create("first", ["verify"])
        assert check_bind(host) == "required"
        store.revoke(key.id)
        with pytest.raises(OpenBind):
            check_bind(host)

    def test_off_is_for_loopback_only(
        self, monkeypatch: pytest.MonkeyPatch, store: KeyStore
    ) -> None:
        store.create("first", ["verify"])
        monkeypatch.setenv("ASSAY_AUTH", "off")
        settings.cache_clear()
        assert check_bind("127.0.0.1") == "off"
        with pytest.raises(OpenBind, match="is off"):
            check_bind("0.0.0.0")

    @pytest.mark.parametrize(
        ("host", "expected"),
        [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True),
         ("0.0.0.0", False), ("::", False), ("localhost.example.org", False), ("", False),
         ("10.0.0.1", False)],
    )  # fmt: skip
    def test_loopback(self, host: str, expected: bool) -> None:
        assert is_loopback(host) is expected

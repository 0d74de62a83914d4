"""What stands around every request: ids, rate limits, CORS, problem documents."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from assay.errors import AssayError, ConfigurationError, InputRefused
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

CALLER = "/v1/caller"
routes = APIRouter()


class _Teapot(AssayError):
    """Nobody gave this error a status."""

    code = "error"


@routes.get("/v1/fails/{how}")
def fail(how: str) -> dict[str, str]:
    raise {
        "unexpected": RuntimeError("the secret is swordfish"),
        "configuration": ConfigurationError("/home/ana/registry.sqlite cannot be opened"),
        "unknown": _Teapot("inside"),
        "refused": InputRefused("not this", advice="send another"),
    }[how]


@pytest.fixture
def app() -> FastAPI:
    return small_app(routes)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with calling(app) as client:
        yield client


class TestRequestIds:
    def test_one_is_made(self, client: TestClient) -> None:
        first, second = (client.get("/healthz").headers["x-request-id"] for _ in range(2))
        assert re.fullmatch(r"[0-9a-f]{32}", first)
        assert first != second

    def test_the_callers_is_taken(self, client: TestClient) -> None:
        response = client.get("/v1/nothing", headers={"X-Request-Id": "trace-7.a_b"})
        assert response.headers["x-request-id"] == "trace-7.a_b"
        assert response.json()["request_id"] == "trace-7.a_b"

    @pytest.mark.parametrize("given", ["a b", "x" * 65, "a\tb", 'a"b', "ü", ""])
    def test_not_one_that_could_break_a_log_line(self, client: TestClient, given: str) -> None:
        response = client.get("/healthz", headers={"X-Request-Id": given.encode()})
        assert re.fullmatch(r"[0-9a-f]{32}", response.headers["x-request-id"])


class TestRateLimits:
    @pytest.fixture(autouse=True)
    def three_a_minute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_RATE_LIMIT", "3/minute")
        settings.cache_clear()

    def test_a_caller_is_told_and_stopped(self, app: FastAPI) -> None:
        with calling(app, key=new_key()) as client:
            answers = [client.get(CALLER) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["ratelimit-policy"] == '"caller";q=3;w=60'
        left = [re.match(r'"caller";r=(\d);t=\d+', a.headers["ratelimit"]) for a in answers]
        assert [found[1] for found in left if found] == ["2", "1", "0", "0"]
        assert 1 <= int(answers[3].headers["retry-after"]) <= 120
        assert answers[3].json()["type"] == "urn:assay:problem:rate-limited"

    def test_callers_are_counted_apart(self, app: FastAPI) -> None:
        with calling(app) as client:
            for key in (new_key(), new_key()):
                headers = {"Authorization": f"Bearer {key}"}
                answers = [client.get(CALLER, headers=headers).status_code for _ in range(3)]
                assert answers == [200, 200, 200]

    def test_people_at_this_machine_are_not_limited(self, client: TestClient) -> None:
        answers = [client.get(CALLER) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {200}
        assert "ratelimit" not in answers[0].headers

    def test_a_limit_that_is_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_RATE_LIMIT", "plenty")
        settings.cache_clear()
        with pytest.raises(ConfigurationError, match="ASSAY_RATE_LIMIT"):
            small_app()


class TestCrossOrigin:
    ORIGIN = "https://newsroom.example"

    def test_closed_by_default(self, client: TestClient) -> None:
        asked = {"Origin": self.ORIGIN, "Access-Control-Request-Method": "GET"}
        assert client.get(CALLER, headers={"Origin": self.ORIGIN}).status_code == 200
        for answer in (
            client.get(CALLER, headers={"Origin": self.ORIGIN}),
            client.options(CALLER, headers=asked),
        ):
            assert not [name for name in answer.headers if name.startswith("access-control")]

    def test_named_sites_may_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_CORS_ORIGINS", f"{self.ORIGIN}, https://other.example")
        settings.cache_clear()
        with calling(small_app(), key=new_key()) as client:
            asked = {
                "Origin": self.ORIGIN,
                "Access-Control-Request-Method": "POST",
                "Access-Control-Request-Headers": "authorization,idempotency-key",
            }
            preflight = client.options(CALLER, headers=asked)
            assert preflight.status_code == 200
            assert preflight.headers["access-control-allow-origin"] == self.ORIGIN
            assert "access-control-allow-credentials" not in preflight.headers
            answer = client.get(CALLER, headers={"Origin": self.ORIGIN})
            assert answer.headers["access-control-allow-origin"] == self.ORIGIN
            assert "X-Request-Id" in answer.headers["access-control-expose-headers"]
            stranger = client.get(CALLER, headers={"Origin": "https://attacker.example"})
            assert "access-control-allow-origin" not in stranger.headers

    def test_never_everyone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_CORS_ORIGINS", "*")
        settings.cache_clear()
        with pytest.raises(ConfigurationError, match="ASSAY_CORS_ORIGINS"):
            small_app()


class TestProblems:
    def test_a_refusal(self, client: TestClient) -> None:
        response = client.get("/v1/fails/refused")
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json() == {
            "type": "urn:assay:problem:input-refused",
            "title": "The input cannot be examined",
            "status": 422,
            "detail": "not this",
            "advice": "send another",
            "instance": "/v1/fails/refused",
            "request_id": response.headers["x-request-id"],
        }

    @pytest.mark.parametrize("how", ["unexpected", "configuration", "unknown"])
    def test_our_own_failures_tell_no_particulars(
        self, client: TestClient, how: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        response = client.get(f"/v1/fails/{how}")
        assert response.status_code == 500
        assert response.json()["type"] == "urn:assay:problem:internal-error"
        for inside in ("swordfish", "/home/ana", "inside"):
            assert inside not in response.text
        log = capsys.readouterr().err
        assert response.headers["x-request-id"] in log
        assert {"unexpected": "swordfish", "configuration": "/home/ana", "unknown": "inside"}[
            how
        ] in log

    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/v1/nothing", 404, "not-found"),
            ("GET", "/nothing", 404, "not-found"),
            ("PUT", CALLER, 405, "method-not-allowed"),
            ("POST", "/v1/keys", 422, "invalid-request"),
        ],
    )
    def test_what_the_framework_refuses(
        self, client: TestClient, method: str, path: str, status: int, code: str
    ) -> None:
        response = client.request(method, path)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == f"urn:assay:problem:{code}"

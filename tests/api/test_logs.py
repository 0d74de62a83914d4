"""Logs tell what happened, never a secret, and nobody else writes a line of them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import structlog
from fastapi import APIRouter
from starlette.testclient import TestClient

from assay.api.operations import logs
from assay.api.signatures import router as signatures
from assay.encoding import encode_png
from assay.provenance import keys
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

routes = APIRouter()


@routes.get("/v1/breaks")
def breaks(key: str) -> None:
    held = f"local variable {key}"
    raise RuntimeError(f"broken with {held}")


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ASSAY_LOG_LEVEL", "debug")
    settings.cache_clear()
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    logs.configure()
    yield
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def client() -> Iterator[TestClient]:
    with calling(small_app(routes, signatures.router)) as client:
        yield client


def lines(captured: str) -> list[dict[str, Any]]:
    """Every line is one JSON object."""
    return [json.loads(line) for line in captured.splitlines()]


def requests(captured: str) -> list[dict[str, Any]]:
    return [line for line in lines(captured) if line["event"] == "request"]


def test_one_line_for_each_request(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    key = new_key("verify")
    client.get("/v1/keys/abc", headers={"X-Request-Id": "r-1"})
    client.get("/v1/caller", headers={"Authorization": f"Bearer {key}"})
    client.get("/v1/nothing/at/all")
    first, second, third = requests(capsys.readouterr().err)

    assert (first["method"], first["status"]) == ("GET", 405)
    assert (first["request_id"], first["caller"]) == ("r-1", "anonymous")
    assert second["caller"] == f"key:{key.split('_')[1]}"
    assert (second["route"], second["level"]) == ("/v1/caller", "info")
    assert second["timestamp"].endswith("Z")
    assert second["milliseconds"] > 0
    assert (third["route"], third["path"]) == ("unknown", "/v1/nothing/at/all")


def test_no_key_is_ever_written(
    client: TestClient, capsys: pytest.CaptureFixture[str], chelsea: np.ndarray
) -> None:
    """Wherever a caller puts it: header, path, query, body, cookie, or our own exception."""
    keys.init()
    key, secret = (made := new_key("admin")), made.rpartition("_")[2]
    headers = {"Authorization": f"Bearer {key}"}
    client.get("/v1/caller", headers=headers)
    client.get(f"/v1/keys/{key}/rotate", headers=headers)
    client.get(f"/v1/{key}")
    client.get("/v1/caller", params={"key": key, "access_token": key})
    client.get("/v1/breaks", params={"key": key})
    client.get("/v1/caller", headers={"Authorization": f"Basic {key}"})
    client.get("/v1/caller", headers={"X-Request-Id": key})
    client.post("/v1/keys", json={"name": "x", "scopes": ["sign"]}, headers=headers)
    client.post("/v1/keys", json={"name": key, "scopes": [key]}, headers=headers)
    client.post("/sign-in", data={"key": key})
    client.post("/sign-in", data={"key": key[:-1] + "x"})
    session = client.cookies["assay_session"]
    client.get("/v1/caller")
    upload = {"file": (f"{key}.png", encode_png(chelsea))}
    client.post("/v1/signatures", files=upload, data={"title": key}, headers=headers)
    log = structlog.get_logger("assay")
    log.info("said", where=[key, {"deep": (key,)}], what=ValueError(key))
    log.warning("said", token="swordfish", secret_value="swordfish", cookie="swordfish")
    logging.getLogger("library").warning("%s", headers)
    logging.getLogger("library").warning("done", extra={"authorization": "swordfish"})

    captured = capsys.readouterr()
    assert len(lines(captured.err)) > 15
    for written in (captured.err, captured.out):
        assert secret not in written
        assert session not in written
        assert "swordfish" not in written
    assert f"assay_{key.split('_')[1]}_[redacted]" in captured.err


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_nobody_writes_a_line_of_the_log(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    monkeypatch.setenv("ASSAY_LOG_FORMAT", log_format)
    settings.cache_clear()
    logs.configure()
    forged = '\r\n{"event": "request", "status": 200, "caller": "key:admin"}\n\x1b[2J\u2028\x85'
    with calling(small_app()) as client:
        client.get("/v1/" + "%0d%0a%7b%22event%22%3a+%22forged%22%7d%1b%5b2J")
        client.get(
            "/v1/caller", headers={"X-Request-Id": "a\tb forged", "User-Agent": b"\x1b[2J\xc2\x85"}
        )
    structlog.get_logger("assay").info("said", by=forged)
    logging.getLogger("library").warning("said %s", forged)

    written = capsys.readouterr().err
    assert "\x1b" not in written
    assert "\r" not in written
    assert "\u2028" not in written
    assert "\x85" not in written
    if log_format == "json":
        assert {line["event"] for line in lines(written)} >= {"request", "said"}
    assert not [line for line in written.splitlines() if line.lstrip().startswith('{"event": "re')]
    assert len(written.splitlines()) == len(written.split("\n")) - 1


def test_a_failure_is_written_with_its_traceback_and_no_variables(
    client: TestClient, capsys: pytest.CaptureFixture[str]
) -> None:
    client.get("/v1/breaks", params={"key": "plain"}, headers={"X-Request-Id": "r-9"})
    [failure] = [x for x in lines(capsys.readouterr().err) if x["event"] == "unexpected failure"]
    assert failure["request_id"] == "r-9"
    assert "RuntimeError: broken with local variable plain" in failure["exception"]
    assert "held =" not in failure["exception"]


def test_health_checks_are_for_debugging_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ASSAY_LOG_LEVEL", "info")
    settings.cache_clear()
    logs.configure()
    with calling(small_app()) as client:
        client.get("/healthz")
        client.get("/v1/caller")
    assert [line["path"] for line in requests(capsys.readouterr().err)] == ["/v1/caller"]


def test_traces_are_named(client: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    """The id of the trace is in the log, the id of the request in the trace."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(spans))
    app = small_app()
    app._telemetry["tracer_provider"] = provider
    with calling(app) as client:
        client.get("/v1/caller", headers={"X-Request-Id": "r-7"})
    served = next(s for s in spans.get_finished_spans() if s.name == "GET /v1/caller")
    assert served.attributes is not None
    assert served.attributes["assay.request_id"] == "r-7"
    [line] = requests(capsys.readouterr().err)
    assert line["trace_id"] == f"{served.context.trace_id:032x}"

"""Attacks on a real `assay serve`; `docs/security-review.md` says what each one is about."""

from __future__ import annotations

import base64
import io
import json
import os
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest

from assay.encoding import encode_png
from tests.api.small_app import calling, small_app


def new_key(service: Any, name: str, *scopes: str) -> str:
    """An API key, made as an operator makes one."""
    arguments = ["access", "create", name, "--json"]
    for scope in scopes:
        arguments += ["--scope", scope]
    made = subprocess.run(
        [sys.executable, "-m", "assay", *arguments],
        env={**os.environ, "ASSAY_HOME": str(service.home)},
        capture_output=True,
        text=True,
        check=True,
    )
    return str(json.loads(made.stdout)["key"])


@pytest.fixture(scope="module")
def two(closed_service: Any) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Two callers who may do everything but see each other's things."""
    clients = []
    for name in ("one", "two"):
        key = new_key(closed_service, name, "verify", "sign", "audit")
        headers = {"Authorization": f"Bearer {key}"}
        clients.append(httpx.Client(base_url=closed_service.address, headers=headers, timeout=60))
    yield clients[0], clients[1]
    for client in clients:
        client.close()


def raw(address: str, request: bytes) -> bytes:
    """What a server answers to bytes that no client would send."""
    place = urlsplit(address)
    with socket.create_connection((place.hostname, place.port), timeout=10) as connection:
        answer = b""
        # A server that waits for more has answered nothing, and one may hang up while it is told.
        with suppress(ConnectionError):
            connection.sendall(request)
            connection.settimeout(5)
            while piece := connection.recv(65_536):
                answer += piece
    return answer


def upload(client: httpx.Client, picture: bytes, name: str = "a.png", **headers: str) -> Any:
    return client.post(
        "/v1/verifications",
        files={"file": (name, picture)},
        headers={"Prefer": "respond-async", **headers},
    )


@pytest.fixture(scope="module")
def tile(chelsea: np.ndarray) -> bytes:
    return encode_png(np.ascontiguousarray(chelsea[:48, :48]))


class TestOfOthers:
    """Object-level authorisation: whoever knows the id of another's thing gets nothing."""

    def test_verifications(self, two: tuple[httpx.Client, httpx.Client], tile: bytes) -> None:
        one, other = two
        place = upload(one, tile).headers["location"]
        for suffix in ("", "/events", "/report.html", "/report.json"):
            assert other.get(place + suffix).status_code == 404
        assert other.delete(place).status_code == 404
        assert one.get(place).status_code == 200
        assert place.rpartition("/")[2] not in other.get("/v1/verifications").text

    def test_audits(self, two: tuple[httpx.Client, httpx.Client]) -> None:
        one, other = two
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("x.txt", "nothing")
        files = {"archive": ("a.zip", buffer.getvalue())}
        made = one.post("/v1/audits", files=files, data={"title": "mine"})
        assert made.status_code == 202
        place = made.headers["location"]
        for suffix in ("", "/report.html", "/report.json"):
            assert other.get(place + suffix).status_code == 404
        assert other.delete(place).status_code == 404
        assert one.get(place).status_code == 200

    def test_kept_answers(self, two: tuple[httpx.Client, httpx.Client], tile: bytes) -> None:
        one, other = two
        once = {"Idempotency-Key": "guessable"}
        first, second = upload(one, tile, **once), upload(other, tile, **once)
        assert first.headers["location"] != second.headers["location"]
        assert "idempotency-replayed" not in second.headers

    def test_what_a_scope_does_not_allow(self, two: tuple[httpx.Client, httpx.Client]) -> None:
        one, _ = two
        for path in ("/v1/keys", "/v1/works", "/metrics"):
            assert one.get(path).status_code == 403


class TestHttp:
    @pytest.mark.parametrize(
        "lines",
        [
            ["Content-Length: 5", "Transfer-Encoding: chunked"],
            ["Content-Length: 5", "Content-Length: 50"],
            ["Content-Length: +5"],
            ["Content-Length: -1"],
            ["Transfer-Encoding: chunked, identity"],
            ["Transfer-Encoding : chunked"],
        ],
    )
    def test_no_second_request_is_smuggled(self, closed_service: Any, lines: list[str]) -> None:
        hidden = "0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
        head = ["POST /v1/media:check HTTP/1.1", "Host: 127.0.0.1", *lines]
        answer = raw(closed_service.address, ("\r\n".join(head) + "\r\n\r\n" + hidden).encode())
        assert answer.count(b"HTTP/1.1 ") == 1
        assert answer.split(b" ", 2)[1] in (b"400", b"501")

    def test_headers_of_any_length_are_not_taken(self, closed_service: Any) -> None:
        request = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Long: " + b"a" * 1_000_000
        answer = raw(closed_service.address, request)  # it has not even ended
        assert answer == b"" or answer.split(b" ", 2)[1] in (b"400", b"431")

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../app.py",
            "/static/%2e%2e/app.py",
            "/static/..%2fapp.py",
            "/static/....//app.py",
            "/static//etc/passwd",
            "/static/%00",
            "/static/..%5capp.py",
        ],
    )
    def test_no_file_outside_of_the_static_ones(self, closed_service: Any, path: str) -> None:
        request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
        status = raw(closed_service.address, request.encode()).split(b" ", 2)[1]
        assert status in (b"400", b"404")

    def test_a_claimed_address_opens_nothing(self, closed_service: Any) -> None:
        for name in ("X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Forwarded-Host"):
            headers = {name: "127.0.0.1"}
            answer = httpx.get(f"{closed_service.address}/v1/verifications", headers=headers)
            assert answer.status_code == 401

    def test_json_that_is_too_deep(self, two: tuple[httpx.Client, httpx.Client]) -> None:
        one, _ = two
        answer = one.post(
            "/c2pa/sbr/v1/matches/byBinding",
            content=b"[" * 200_000,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code in (400, 422)

    @pytest.mark.parametrize("place", ['[1.0,"\\ud800"]', '[1.0,"\\u0000"]', "[NaN,1]", '["a"]'])
    def test_cursors_of_ones_own(self, two: tuple[httpx.Client, httpx.Client], place: str) -> None:
        one, _ = two
        cursor = base64.urlsafe_b64encode(place.encode()).decode()
        for path in ("/v1/verifications", "/v1/signatures", "/v1/audits"):
            assert one.get(path, params={"cursor": cursor}).status_code == 422

    @pytest.mark.parametrize(
        "text", ["' OR 1=1 --", "%' UNION SELECT secret_hash FROM api_keys --", '"; DROP TABLE x']
    )
    def test_sql_in_every_place(
        self, two: tuple[httpx.Client, httpx.Client], tile: bytes, text: str
    ) -> None:
        one, _ = two
        assert upload(one, tile, text).status_code == 202
        assert one.get("/v1/verifications/" + text).status_code == 404
        assert one.get("/v1/signatures/" + text).status_code == 404
        assert one.get("/v1/signatures", params={"cursor": text}).status_code == 422
        assert httpx.get(one.base_url, headers={"Authorization": f"Bearer {text}"}).status_code in (
            200,
            303,
            401,
        )


class TestPages:
    def test_every_answer_says_how_it_may_be_used(self, closed_service: Any) -> None:
        for path in ("/sign-in", "/nothing", "/v1/verifications", "/healthz", "/openapi.json"):
            headers = httpx.get(closed_service.address + path).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert headers["cache-control"] == "no-store"
            assert "server" not in headers
        script = httpx.get(f"{closed_service.address}/static/page.js")
        assert script.headers["x-content-type-options"] == "nosniff"
        assert "cache-control" not in script.headers

    def test_over_tls_a_browser_is_told_to_stay_there(self) -> None:
        for scheme, told in (("https", True), ("http", False)):
            with calling(small_app(), base_url=f"{scheme}://127.0.0.1:8000") as browser:
                headers = browser.get("/healthz").headers
            assert ("strict-transport-security" in headers) is told

    def test_nobody_frames_a_page(self, closed_service: Any) -> None:
        policy = httpx.get(f"{closed_service.address}/sign-in").headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy

    def test_a_template_in_a_name_is_a_name(
        self, two: tuple[httpx.Client, httpx.Client], tile: bytes
    ) -> None:
        one, _ = two
        name = "{{7*7}}{% raw %}${7*7}<b>.png"
        place = upload(one, tile, name).headers["location"]
        shown = one.get(place.replace("/v1/", "/"), headers={"Accept": "text/html"}).text
        assert "{{7*7}}{% raw %}${7*7}&lt;b&gt;.png" in shown
        assert "49" not in shown.partition("<h1")[2].partition("</h1>")[0]

    def test_a_name_breaks_no_header_and_no_path(
        self, two: tuple[httpx.Client, httpx.Client], tile: bytes
    ) -> None:
        one, _ = two
        boundary = b"xx"
        for name in (b"../../../etc/passwd", b"a\x00b.png", b"a%0d%0aSet-Cookie: x=1.png"):
            body = b'--xx\r\nContent-Disposition: form-data; name=file; filename="' + name
            body += b'"\r\n\r\n' + tile + b"\r\n--xx--\r\n"
            kind = f"multipart/form-data; boundary={boundary.decode()}"
            answer = one.post(
                "/v1/verifications",
                content=body,
                headers={"Content-Type": kind, "Prefer": "respond-async"},
            )
            assert answer.status_code in (202, 400, 422)
            assert "set-cookie" not in answer.headers
            if answer.status_code == 202:
                shown = one.get(answer.headers["location"]).json()["name"]
                assert "/" not in shown
                assert shown.isprintable()

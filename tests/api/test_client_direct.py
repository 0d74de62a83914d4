"""The client sends large files into the bucket, and through the service where that is not open."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

import httpx
import numpy as np
import pytest

from assay.api.client import AsyncClient, Client, Progress, direct, operations, transport, uploads
from assay.api.client.conversation import Put
from assay.encoding import encode_png
from assay.errors import DamagedMedia, LimitExceeded, UnsupportedMedia
from assay.evidence import Verification
from tests.api.conftest import Service, serving
from tests.faults.failing_store import failing_bucket

SECRET = "b5c8e1d7a9f0"  # a signature
KEY = "assay_desk_swordfish"


@pytest.fixture(scope="module")
def in_a_bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A real service whose media are in a bucket."""
    with (
        failing_bucket() as bucket,
        serving(
            tmp_path_factory.mktemp("bucket-home"),
            ASSAY_MEDIA_URL=bucket.url,
            ASSAY_LIMITS__MAX_BYTES="1000000",
            **bucket.environment,
        ) as running,
    ):
        yield running


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A picture that no service has seen, and that counts as large."""
    monkeypatch.setattr(direct, "DIRECT_BYTES", 1000)
    noise = np.random.default_rng(list(uuid4().bytes)).integers(0, 256, (96, 96, 3), np.uint8)
    path = tmp_path / "harbour.png"
    path.write_bytes(encode_png(noise))
    return path


def newest(service: Service) -> dict[str, Any]:
    return dict(httpx.get(f"{service.address}/v1/verifications").json()["items"][0])


@pytest.mark.parametrize("check_first", [True, False])
def test_a_large_file_goes_past_the_service(
    in_a_bucket: Service, large: Path, check_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not check_first:  # neither is it read into memory
        monkeypatch.setattr(uploads, "IN_MEMORY", 1000)
    calls = _recorded(monkeypatch)
    told: list[Progress] = []
    with Client(in_a_bucket.address) as client:
        verification = client.verify(large, check_first=check_first, on_progress=told.append)
        if check_first:
            assert client.verify(large) == verification

    assert verification.media.sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert verification.media.name == newest(in_a_bucket)["name"] == "harbour.png"
    sent = [item.done for item in told if item.stage == "sending"]
    assert sent[-1] == large.stat().st_size
    assert sent == sorted(sent)
    assert [call.upload for call in calls if call.path == operations.VERIFICATIONS] == [None]


def test_asyncio(in_a_bucket: Service, large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = _recorded(monkeypatch)

    async def run() -> Verification:
        async with AsyncClient(in_a_bucket.address) as client:
            return await client.verify(large)

    verification = asyncio.run(run())
    assert verification.media.size == large.stat().st_size
    assert [call.path for call in calls] == ["/v1/media:check", "/v1/uploads", "/v1/verifications"]


def test_refusals_are_those_of_a_local_call(
    in_a_bucket: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "DIRECT_BYTES", 1000)
    with Client(in_a_bucket.address) as client:
        with pytest.raises(UnsupportedMedia):
            client.verify(b"only words" * 1000)
        with pytest.raises(LimitExceeded):
            client.verify(bytes(1_000_001))


def test_a_service_that_keeps_a_folder_is_asked_once(
    service: Service, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direct, "DIRECT_BYTES", 1000)
    calls = _recorded(monkeypatch)
    with Client(service.address) as client:
        for n in range(2):
            tile = np.ascontiguousarray(chelsea[64 * n : 64 * n + 64, :64])
            assert client.verify(encode_png(tile), check_first=False).media.width == 64
    assert [call.path for call in calls] == [
        "/v1/uploads",
        "/v1/verifications",
        "/v1/verifications",
    ]


def test_a_key_of_ones_own_is_for_one_request(
    in_a_bucket: Service, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = _recorded(monkeypatch)
    key = str(uuid4())
    for _ in range(2):  # as a program that starts again
        with Client(in_a_bucket.address) as client:
            client.verify(large, check_first=False, idempotency_key=key)
    assert [call.path for call in calls] == ["/v1/verifications"] * 2


def _recorded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The calls that clients make from now on; each goes through `transport.arguments`."""
    calls: list[Any] = []
    plain = transport.arguments

    def noted(call: Any) -> dict[str, Any]:
        calls.append(call)
        return plain(call)

    monkeypatch.setattr(transport, "arguments", noted)
    return calls


@dataclass
class Site:
    """A service and a bucket that answer as they are told, on one port.

    Attributes:
        puts: status and headers of the answers to PUT, in turn; the last for ever.
        begins: status and document of the answer to POST /v1/uploads.
        asked: method, path, headers and length of the body of every request.
    """

    address: str = ""
    upload_url: str = ""
    puts: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(200, {})])
    begins: tuple[int, dict[str, Any]] | None = None
    asked: list[tuple[str, str, dict[str, str], int]] = field(default_factory=list)
    chunked: ClassVar[str] = "transfer-encoding"

    def paths(self, method: str) -> list[str]:
        return [path for asked, path, _, _ in self.asked if asked == method]


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.asked.append((self.command, self.path, headers, len(body)))
            status, extra, document = 422, {}, _REFUSAL
            if self.command == "PUT":
                status, extra = made.puts.pop(0) if len(made.puts) > 1 else made.puts[0]
                document = {"Code": "SignatureDoesNotMatch", "StringToSign": SECRET}
            elif self.path == "/v1/uploads":
                given = {"id": "1" * 32, "url": made.upload_url, "headers": {"x-kind": "block"}}
                status, document = made.begins or (201, given)
            data = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_PUT = do_POST = do_GET = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.address = f"http://127.0.0.1:{running.server_port}"
    made.upload_url = f"{made.address}/bucket/uploads/1?X-Amz-Signature={SECRET}&a=%2F"
    yield made
    running.shutdown()
    thread.join()
    running.server_close()


# What the scripted service says of every file, so that a call ends there.
_REFUSAL = {"type": "urn:assay:problem:damaged-media", "title": "Damaged", "detail": "enough"}


def send(site: Site, *, retries: int = 0, times: int = 1) -> list[str]:
    """Have a file verified; what the client raised."""
    raised = []
    with Client(site.address, api_key=KEY, retries=retries) as client:
        for _ in range(times):
            with pytest.raises(Exception) as error:  # noqa: PT011
                client.verify(bytes(direct.DIRECT_BYTES + 1), check_first=False)
            raised.append(repr(error.value))
    return raised


async def send_async(site: Site) -> None:
    async with AsyncClient(site.address, api_key=KEY) as client:
        with pytest.raises(Exception):  # noqa: B017, PT011
            await client.verify(bytes(direct.DIRECT_BYTES + 1), check_first=False)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_what_the_bucket_is_told(
    site: Site, way: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level(logging.DEBUG, logger=logger)
    if way == "sync":
        send(site)
    else:
        asyncio.run(send_async(site))

    [(_, path, headers, length)] = [asked for asked in site.asked if asked[0] == "PUT"]
    assert path == site.upload_url.removeprefix(site.address)
    assert length == int(headers["content-length"]) == direct.DIRECT_BYTES + 1
    assert headers["x-kind"] == "block"
    assert site.chunked not in headers
    assert not {"authorization", "idempotency-key", "cookie"} & set(headers)
    assert KEY not in str(headers)
    assert "assay" not in headers["user-agent"]
    assert site.paths("POST")[-1] == operations.VERIFICATIONS
    assert site.asked[-1][2]["authorization"].endswith(KEY)
    assert site.asked[-1][3] < 100

    assert "HTTP Request: PUT" in caplog.text, "httpx does log"
    written = caplog.text + "".join(capfd.readouterr())
    assert SECRET not in written
    assert "/bucket" not in written


def test_redirects_are_not_followed(site: Site) -> None:
    elsewhere = f"{site.address}/stolen"
    site.puts = [(307, {"Location": elsewhere}), (200, {})]
    [raised] = send(site)
    assert "/stolen" not in site.paths("PUT")
    assert site.asked[-1][3] > direct.DIRECT_BYTES, "it went through the service"
    assert "DamagedMedia" in raised


@pytest.mark.parametrize("name", ["\udcff\n\x00harbour.png", "h" * 5000])
def test_names_that_cannot_be_sent(site: Site, name: str) -> None:
    with Client(site.address) as client, pytest.raises(DamagedMedia):
        client.verify(bytes(direct.DIRECT_BYTES + 1), name=name, check_first=False)
    assert len(site.paths("PUT")) == 1


def test_a_bucket_that_refuses_is_not_tried_again(site: Site) -> None:
    site.puts = [(403, {})]
    raised = send(site, times=2)
    assert site.paths("POST") == ["/v1/uploads", *[operations.VERIFICATIONS] * 2]
    assert not [text for text in raised if SECRET in text]


def test_a_bucket_that_is_busy_is_asked_again(site: Site) -> None:
    site.puts = [(503, {"Retry-After": "0"}), (200, {})]
    send(site, retries=5)
    assert [length for method, _, _, length in site.asked if method == "PUT"] == [
        direct.DIRECT_BYTES + 1
    ] * 2
    assert site.asked[-1][3] < 100


def test_a_bucket_out_of_reach(site: Site) -> None:
    site.upload_url = f"http://127.0.0.1:9/x?X-Amz-Signature={SECRET}"
    [raised] = send(site)
    assert "DamagedMedia" in raised
    assert SECRET not in raised
    assert site.paths("DELETE") == ["/v1/uploads/" + "1" * 32], "it leaves no open upload"
    assert site.asked[-1][3] > direct.DIRECT_BYTES


def test_a_bucket_behind_a_firewall(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """No packet comes back from it; the patience that a service gets would be 90 seconds."""
    monkeypatch.setattr(transport, "_CONNECT_SECONDS", 0.3)
    with ExitStack() as opened:
        silent = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):  # nobody accepts; once the queue is full the system drops the rest
            waiting = opened.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(silent.getsockname())
        site.upload_url = f"http://127.0.0.1:{silent.getsockname()[1]}/x"
        began = time.monotonic()
        [raised] = send(site)
        assert time.monotonic() - began < 20
    assert "DamagedMedia" in raised
    assert site.asked[-1][3] > direct.DIRECT_BYTES


@pytest.mark.parametrize(("size", "hashed"), [(30_000_000, True), (64_000_001, False)])
def test_large_files_are_not_held_in_memory(tmp_path: Path, size: int, hashed: bool) -> None:
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(size)
    tracemalloc.start()
    try:
        with uploads.opened(path) as upload:
            assert (upload.size, upload.tell()) == (size, 0)
            assert sum(map(len, transport.putting(_put(upload))["content"])) == size
            peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000
    with path.open("rb") as file:
        expected = hashlib.file_digest(file, "sha256").hexdigest()
    assert upload.sha256 == (expected if hashed else None)


def _put(upload: uploads.Upload) -> Put:
    return Put("https://bucket.example.org/x", upload, {})


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "", "http://", "http://["]
)
def test_what_is_no_address_for_files(site: Site, url: str) -> None:
    site.upload_url = url
    send(site)
    assert site.paths("PUT") == []
    assert site.asked[-1][3] > direct.DIRECT_BYTES


def test_never_in_clear_when_the_service_speaks_tls() -> None:
    assert direct.Direct("https://assay.example").trusts("https://s3.example/x")
    assert not direct.Direct("https://assay.example").trusts("http://s3.example/x")
    assert direct.Direct("http://127.0.0.1:8000").trusts("http://127.0.0.1:9000/x")


@pytest.mark.parametrize(("status", "again"), [(403, 1), (404, 1), (405, 1), (429, 2)])
def test_services_that_do_not_offer_it(site: Site, status: int, again: int) -> None:
    site.begins = (status, {"type": "urn:assay:problem:x", "title": "x", "detail": "x"})
    send(site, times=2)
    assert site.paths("POST").count("/v1/uploads") == again
    assert site.paths("POST").count(operations.VERIFICATIONS) == 2


def test_what_else_the_service_refuses_is_raised(site: Site) -> None:
    site.begins = (413, {"type": "urn:assay:problem:limit-exceeded", "detail": "too large"})
    assert "LimitExceeded" in send(site)[0]
    assert site.paths("PUT") == []

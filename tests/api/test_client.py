"""The Python client and `assay verify --server` against a running service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import pytest
from PIL import Image

from assay.api.access.keys import KeyStore
from assay.api.client import (
    AsyncClient,
    Client,
    Overloaded,
    Progress,
    RemoteError,
    SignInNeeded,
    Unknown,
    Unreachable,
    conversation,
    uploads,
)
from assay.api.records import open_database
from assay.cli import main
from assay.encoding import encode_jpeg, encode_png
from assay.errors import ConfigurationError, DamagedMedia, InputRefused, UnsupportedMedia
from assay.settings import settings


@pytest.fixture
def client(service: Any) -> Iterator[Client]:
    with Client(service.address) as client:
        yield client


@pytest.fixture
def fresh(chelsea: np.ndarray) -> bytes:
    """A picture that no service has seen."""
    pixels = chelsea.copy()
    pixels[:2, :32] = np.frombuffer(uuid4().bytes * 12, np.uint8).reshape(2, 32, 3)
    return encode_jpeg(pixels, 90)


def count(service: Any) -> int:
    return len(httpx.get(f"{service.address}/v1/verifications?limit=200").json()["items"])


def test_a_file_by_its_path(client: Client, fresh: bytes, tmp_path: Path) -> None:
    path = tmp_path / "from-the-field.jpg"
    path.write_bytes(fresh)
    verification = client.verify(path)
    assert verification.media.name == "from-the-field.jpg"
    assert verification.verdict.category == "no-evidence"
    assert client.verify(str(path)) == verification


def test_known_bytes_are_not_sent_again(service: Any, client: Client, fresh: bytes) -> None:
    first = client.verify(fresh, name="a.jpg")
    before = count(service)
    assert client.verify(fresh, name="b.jpg") == first
    assert count(service) == before
    assert client.verify(fresh, name="b.jpg", check_first=False).media.name == "b.jpg"
    assert count(service) == before + 1


def test_a_large_file_is_sent_as_it_is_read(
    client: Client, fresh: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "IN_MEMORY", 1000)
    path = tmp_path / "large.jpg"
    path.write_bytes(fresh)
    told: list[Progress] = []
    verification = client.verify(path, on_progress=told.append)
    sent = [item.done for item in told if item.stage == "sending"]
    assert verification.media.size == len(fresh) == sent[-1]
    assert sent == sorted(sent)


def test_progress(client: Client, fresh: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.api.client import operations

    monkeypatch.setattr(operations, "WAIT_SECONDS", 0)
    told: list[Progress] = []
    client.verify(fresh, on_progress=told.append)
    stages = [item.stage for item in told]
    assert stages[0] == "sending"
    assert stages[-1] == "done"
    examined = [item for item in told if item.stage == "examining" and item.detail]
    assert {item.detail for item in examined} >= {"c2pa", "watermark", "detector"}
    assert examined[-1].done == examined[-1].total


def test_the_same_key_makes_one_verification(service: Any, client: Client, fresh: bytes) -> None:
    before = count(service)
    key = str(uuid4())
    for _ in range(2):
        client.verify(fresh, check_first=False, idempotency_key=key)
    assert count(service) == before + 1


def test_asyncio(service: Any, fresh: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(fresh)

    async def run() -> None:
        async with AsyncClient(service.address) as client:
            first, second = await asyncio.gather(
                client.verify(path, check_first=False), client.verify(fresh, check_first=False)
            )
            assert first.media.sha256 == second.media.sha256
            with pytest.raises(UnsupportedMedia):
                await client.verify(b"only words")
            with pytest.raises(Unknown):
                await client.verification("0" * 32)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"Dear newsroom", UnsupportedMedia),
        (encode_png(np.zeros((64, 64, 3), np.uint8))[:60], DamagedMedia),
        (b"", InputRefused),
    ],
)
def test_refusals_are_those_of_a_local_call(
    client: Client, data: bytes, kind: type[Exception]
) -> None:
    with pytest.raises(kind):
        client.verify(data)


def test_sign_verify_delete(client: Client, astronaut: np.ndarray, tmp_path: Path) -> None:
    out = tmp_path / "signed.png"
    signed = client.sign(encode_png(astronaut), name="portrait.png", out=out, generator="Painter")
    assert out.read_bytes() == signed.data
    with Image.open(out) as picture:
        assert picture.size == (512, 512)
    assert signed.receipt.profile == "generated"
    verification = client.verify(out)
    assert verification.verdict.category == "generated"
    assert verification.media.sha256 == signed.receipt.sha256_after


def test_what_is_deleted_is_unknown(service: Any, client: Client, fresh: bytes) -> None:
    client.verify(fresh)
    newest = httpx.get(f"{service.address}/v1/verifications").json()["items"][0]["id"]
    resource = client.verification(newest)
    assert resource.status == "done"
    assert resource.result() is not None
    client.delete(newest)
    with pytest.raises(Unknown) as refusal:
        client.verification(newest)
    assert refusal.value.status == 404
    assert refusal.value.problem_document["type"].startswith("urn:assay:problem:")


def test_match(service: Any, client: Client, china: np.ndarray) -> None:
    work = {"title": "A temple", "rights_holder": "Desk"}
    answer = httpx.post(
        f"{service.address}/v1/works",
        data=work,
        files={"file": ("temple.png", encode_png(china))},
        timeout=60,
    )
    answer.raise_for_status()
    [found] = client.match(encode_jpeg(china[40:380, 60:560], 80))
    # Other files of tests use this service and this picture.
    httpx.delete(service.address + answer.headers["location"], timeout=60).raise_for_status()
    assert found.work.title == "A temple"
    assert found.match.decision == "match"


def test_a_closed_service_asks_for_a_key(
    closed_service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Client(closed_service.address) as stranger, pytest.raises(SignInNeeded):
        stranger.verification("0" * 32)
    monkeypatch.setenv("ASSAY_HOME", str(closed_service.home))
    settings.cache_clear()
    _, key = KeyStore(open_database()).create("desk", ["verify"])
    with Client(closed_service.address, api_key=key) as known, pytest.raises(Unknown):
        known.verification("0" * 32)


def test_an_address_is_needed() -> None:
    with pytest.raises(ConfigurationError):
        Client("assay.example.org")


@pytest.fixture
def scripted() -> Iterator[Callable[..., tuple[str, list[dict[str, str]]]]]:
    """A server that answers as it is told: `(status, headers, JSON)` in turn, the last for ever."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start(*answers: tuple[int, dict[str, str], Any]) -> tuple[str, list[dict[str, str]]]:
        left, asked = list(answers), []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append(dict(self.headers.items()))
                status, headers, document = left.pop(0) if len(left) > 1 else left[0]
                body = json.dumps(document).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                self.do_GET()

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}", asked

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


DONE = {"id": "a", "status": "done"}
BUSY = {"type": "urn:assay:problem:busy", "title": "Busy", "detail": "too much at once"}


def test_a_busy_service_is_asked_again(scripted: Callable[..., Any]) -> None:
    later = {"Retry-After": "1"}
    address, asked = scripted(
        (503, later, BUSY), (429, {"Retry-After": "0"}, BUSY), (200, {}, DONE)
    )
    with Client(address) as client:
        assert client.verification("a").status == "done"
    assert len(asked) == 3


def test_what_a_repetition_is_for_stays_one(scripted: Callable[..., Any]) -> None:
    busy = (503, {"Retry-After": "0"}, BUSY)
    refusal = {**BUSY, "type": "urn:assay:problem:damaged-media"}
    address, asked = scripted(busy, (422, {}, refusal))
    with Client(address) as client, pytest.raises(DamagedMedia):
        client.verify(b"picture", check_first=False)
    first, second = asked
    assert first["Idempotency-Key"] == second["Idempotency-Key"]
    assert first["Content-Length"] == second["Content-Length"] != "0"


def test_giving_up(scripted: Callable[..., Any]) -> None:
    address, asked = scripted((503, {"Retry-After": "0"}, BUSY))
    with Client(address, retries=2) as client, pytest.raises(Overloaded) as refusal:
        client.verification("a")
    assert len(asked) == 3
    assert refusal.value.problem_document["type"] == BUSY["type"]


def test_a_wait_that_is_too_long_is_left_to_the_caller(scripted: Callable[..., Any]) -> None:
    address, asked = scripted((429, {"Retry-After": "86400"}, BUSY))
    with Client(address) as client, pytest.raises(Overloaded):
        client.verification("a")
    assert len(asked) == 1


def test_nobody_there() -> None:
    with Client("http://127.0.0.1:9", retries=1) as client, pytest.raises(Unreachable) as told:
        client.verification("a")
    assert told.value.message == "the service at http://127.0.0.1:9 does not answer"
    nowhere = Client("http://assay.invalid", retries=0)
    with nowhere, pytest.raises(Unreachable, match="its name leads to no address"):
        nowhere.verification("a")


def test_an_outage_is_no_finding(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 1 is what `--fail-on` gives; a script must not take an outage for that."""
    picture = tmp_path / "a.png"
    picture.write_bytes(encode_png(np.zeros((8, 8, 3), np.uint8)))
    monkeypatch.setattr(conversation.Patience, "pause", lambda *_: None)
    arguments = ["verify", "--server", "http://127.0.0.1:9", "--fail-on", "altered", str(picture)]
    monkeypatch.setattr(sys, "argv", ["assay", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 3
    told = capfd.readouterr().err
    assert "the service at http://127.0.0.1:9 does not answer" in told
    assert "Errno" not in told


def test_something_else_is_there(scripted: Callable[..., Any]) -> None:
    address, _ = scripted((200, {}, {"hello": "world"}))
    with Client(address) as client, pytest.raises(RemoteError):
        client.verify(b"picture", check_first=False)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3", 3.0), ("soon", None), (None, None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0)],
)
def test_retry_after(text: str | None, seconds: float | None) -> None:
    assert conversation.retry_after(text) == seconds


def test_the_client_loads_nothing_of_the_service() -> None:
    code = (
        "import sys, assay.api.client; "
        "print([m for m in ('fastapi', 'sqlalchemy', 'numpy', 'httpx') if m in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def command(service: Any, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "assay", "verify", "--server", service.address, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "ASSAY_API_KEY": ""},
        check=False,
    )


def test_the_command(service: Any, fresh: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cat.jpg"
    path.write_bytes(fresh)
    result = command(service, str(path), "--json", "--html", str(tmp_path / "report.html"))
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["media"]["name"] == "cat.jpg"
    assert "cat.jpg" in (tmp_path / "report.html").read_text()


def test_the_command_refuses_like_a_local_one(service: Any, tmp_path: Path) -> None:
    path = tmp_path / "letter.jpg"
    path.write_text("Dear newsroom")
    result = command(service, str(path), "--json")
    assert result.returncode == 3
    assert json.loads(result.stdout)["type"] == "urn:assay:problem:unsupported-media"

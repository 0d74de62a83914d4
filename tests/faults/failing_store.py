"""A real S3 server on loopback, and in front of it a proxy that fails and dawdles on request."""

from __future__ import annotations

import http.client
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    import pytest

_NOT_PASSED_ON = {"transfer-encoding", "connection", "content-length", "date", "server"}


class Trouble:
    """What the proxy does to requests.

    Attributes:
        refusing: answer 503 to every request.
        pieces: send bodies of GET in so many pieces, with a pause before each.
        pause: seconds.
        refused: how many requests were answered 503.
    """

    def __init__(self) -> None:
        self.refusing = False
        self.pieces = 1
        self.pause = 0.0
        self.refused = 0


@dataclass(frozen=True)
class Bucket:
    """A bucket behind the proxy.

    Attributes:
        url: as `ASSAY_MEDIA_URL` takes it.
        environment: what a process needs to reach it.
        trouble: to be made.
    """

    url: str
    environment: dict[str, str]
    trouble: Trouble


class _Server(ThreadingHTTPServer):
    def handle_error(self, *where: object) -> None:
        # A client that was killed is what some tests are about.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*where)  # type: ignore[arg-type]


@contextmanager
def failing_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Trouble]]:
    """The URL of a bucket behind the proxy, and the trouble to make; sets credentials."""
    with failing_bucket() as bucket:
        for name, value in bucket.environment.items():
            monkeypatch.setenv(name, value)
        yield bucket.url, bucket.trouble


@contextmanager
def failing_bucket() -> Iterator[Bucket]:
    """An empty bucket behind the proxy, until the block ends."""
    from moto.server import ThreadedMotoServer

    behind = ThreadedMotoServer(port=0, verbose=False)
    behind.start()
    host, port = behind.get_host_and_port()
    trouble = Trouble()

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            if trouble.refusing:
                trouble.refused += 1
                self.send_response(503)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            asked = http.client.HTTPConnection(host, port)
            asked.request(self.command, self.path, body, dict(self.headers))
            got = asked.getresponse()
            data = got.read()
            asked.close()
            self.send_response(got.status)
            for name, value in got.getheaders():
                if name.lower() not in _NOT_PASSED_ON:
                    self.send_header(name, value)
            length = got.getheader("content-length") if self.command == "HEAD" else len(data)
            self.send_header("content-length", str(length))
            self.end_headers()
            size = -(-len(data) // trouble.pieces) or 1
            for start in range(0, len(data), size):
                if self.command == "GET":
                    time.sleep(trouble.pause)
                self.wfile.write(data[start : start + size])
                self.wfile.flush()

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Proxy, f"do_{method}", Proxy.answer)
    proxy = _Server(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_port}"
    environment = {
        "AWS_ENDPOINT": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }
    httpx.put(f"{address}/media").raise_for_status()
    try:
        yield Bucket(f"s3://media/uploads-{proxy.server_port}", environment, trouble)
    finally:
        proxy.shutdown()
        proxy.server_close()
        behind.stop()

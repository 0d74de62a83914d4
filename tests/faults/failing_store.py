"""A real S3 server on loopback, and in front of it a proxy that fails and dawdles on request."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
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


@contextmanager
def failing_store(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Trouble]]:
    """The URL of a bucket behind the proxy, and the trouble to make; sets credentials."""
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
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{proxy.server_port}"
    for name, value in {
        "AWS_ENDPOINT": address,
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
    }.items():
        monkeypatch.setenv(name, value)
    httpx.put(f"{address}/media").raise_for_status()
    try:
        yield f"s3://media/uploads-{proxy.server_port}", trouble
    finally:
        proxy.shutdown()
        proxy.server_close()
        behind.stop()

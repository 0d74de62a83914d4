"""A real HTTP server on the loopback interface, which counts what it is asked."""

from __future__ import annotations

import http.server
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Loopback:
    """The server and what it saw.

    Attributes:
        port: where it listens on 127.0.0.1.
        pages: path -> status, headers and body; anything else is 404.
        seen: method, path and headers (names in lower case) of every request.
        bodies: of every POST.
    """

    port: int = 0
    scheme: str = "http"
    pages: dict[str, Answer] = field(default_factory=dict)
    seen: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str = "/", host: str | None = None) -> str:
        return f"{self.scheme}://{host or '127.0.0.1'}:{self.port}{path}"

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        self.pages[path] = (status, {"Location": to}, b"")
        return self.url(path)


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Loopback]:
    """Run the server until the block ends."""
    state = Loopback(scheme="https" if tls else "http")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer()

        def do_POST(self) -> None:
            state.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self._answer()

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.seen.append((self.command, self.path, headers))
            if self.path.startswith("/drip-"):
                self._drip()
                return
            status, extra, body = state.pages.get(self.path, (404, {}, b"nothing here"))
            self.send_response(status)
            if "Transfer-Encoding" not in extra:
                self.send_header("Content-Length", str(len(body)))
            for name, value in extra.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                self.close_connection = True  # the client had enough

        def _drip(self) -> None:
            """A byte at a time, each well inside any time limit for one read."""
            start = b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if self.path == "/drip-body" else b"X: ")
            try:
                self.wfile.write(start)
                for _ in range(200):
                    self.wfile.write(b"a")
                    time.sleep(0.05)
            except OSError:
                pass
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            return

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            return  # a client that hangs up in a handshake is what some tests are about

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        state.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield state
        finally:
            server.shutdown()

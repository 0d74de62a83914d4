"""Connections to addresses that were checked beforehand, ended by one deadline.

The HTTP library keeps the name of the host for the Host header and for TLS; only where the
packets go is decided here.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import httpcore

if TYPE_CHECKING:
    from httpcore import SOCKET_OPTION

_PIECE = 16_384  # bytes written between two looks at the clock


class PinnedBackend(httpcore.NetworkBackend):
    """Connects to addresses that were checked, whatever name it is given.

    Args:
        addresses: IP addresses as text, tried in order.
        deadline: on `time.monotonic`'s clock; every operation ends by then.
    """

    def __init__(self, addresses: list[str], deadline: float) -> None:
        self._addresses = addresses
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"no address of {host}")
        for position, address in enumerate(self._addresses):
            # One address that swallows packets leaves time for the others.
            share = left(self._deadline) / (len(self._addresses) - position)
            try:
                stream = httpcore.SyncBackend().connect_tcp(address, port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _TimedStream(stream, self._deadline)
        raise failure


class _TimedStream(httpcore.NetworkStream):
    """A connection whose every operation ends by one deadline: a slow drip gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), _PIECE):
            self._stream.write(buffer[start : start + _PIECE], left(self._deadline))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, left(self._deadline))
        return _TimedStream(secured, self._deadline)

    def close(self) -> None:
        self._stream.close()

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def left(deadline: float) -> float:
    """Seconds until the deadline.

    Raises:
        httpcore.ReadTimeout: none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the deadline has passed")
    return seconds


def system_resolver(host: str, port: int) -> list[str]:
    """The addresses that the system knows for a name.

    Raises:
        OSError, UnicodeError: none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def in_time(work: Callable[[], list[str]], deadline: float) -> list[str]:
    """What `work` gives; the system's resolver knows no time limit of its own.

    Raises:
        TimeoutError: the deadline passed; `work` is left to end by itself.
    """
    answers: list[list[str] | Exception] = []

    def run() -> None:
        try:
            answers.append(work())
        except Exception as error:
            answers.append(error)

    thread = threading.Thread(target=run, daemon=True, name="assay-resolve")
    thread.start()
    thread.join(max(0.0, deadline - time.monotonic()))
    if not answers:
        raise TimeoutError("the name server did not answer in time")
    if isinstance(answers[0], Exception):
        raise answers[0]
    return answers[0]

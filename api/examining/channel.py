"""What parent and child say to each other: JSON messages, bytes, and open files."""

from __future__ import annotations

import json
import os
import socket
from typing import IO, Any

_HEADER = 4  # bytes that give the length of what follows
MAX_BYTES = 256_000_000  # of one message; evidence of the largest manifests is below a tenth


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """One JSON message."""
    send_bytes(channel, json.dumps(message).encode())


def receive(channel: socket.socket) -> dict[str, Any]:
    """The next message.

    Raises:
        EOFError: the other side is gone.
        ValueError: it sends nonsense.
        TimeoutError: the channel's time is over.
    """
    message: dict[str, Any] = json.loads(receive_bytes(channel))
    return message


def send_bytes(channel: socket.socket, data: bytes) -> None:
    """Bytes with their length in front."""
    channel.sendall(len(data).to_bytes(_HEADER, "big") + data)


def receive_bytes(channel: socket.socket) -> bytes:
    """What `send_bytes` sent; errors as `receive`."""
    length = int.from_bytes(_exactly(channel, _HEADER), "big")
    if length > MAX_BYTES:
        raise ValueError(f"a message of {length:,} bytes")
    return _exactly(channel, length)


def send_file(channel: socket.socket, file: IO[bytes]) -> None:
    """Let the other side read an open file, whatever its name or whether it has one."""
    socket.send_fds(channel, [b"F"], [file.fileno()])


def receive_file(channel: socket.socket) -> IO[bytes]:
    """A file that `send_file` sent, from its beginning.

    Raises:
        EOFError: the other side is gone.
    """
    data, [*handles], _flags, _address = socket.recv_fds(channel, 1, 1)
    if not data or not handles:
        raise EOFError
    file = os.fdopen(handles[0], "rb")
    file.seek(0)
    return file


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = channel.recv(min(length - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)

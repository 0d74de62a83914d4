"""The one place where the native C2PA validator is called, and the child that calls it.

Nothing here trusts its input and nothing here interprets the answer: two JSON texts, or the
library's error message, go back to the caller.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import socket
import sys
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

MEMORY_BYTES = 2_000_000_000
"""Address space of a child: the validator needs 0.4 GB mapped and streams the file; one
known file made it ask for 12 GB (contentauth/c2pa-rs#1885)."""
HEADER_BYTES = 4
MAX_MESSAGE = 64_000_000


class Readable(Protocol):
    """What the library needs of a stream."""

    def read(self, size: int = ..., /) -> bytes | None: ...
    def seek(self, offset: int, whence: int = ..., /) -> int: ...
    def tell(self) -> int: ...


class ValidatorError(Exception):
    """The validator answered with an error instead of a report; the message is its own."""


def validate(
    stream: Readable, media_type: str, manifest: bytes | None, settings: str
) -> dict[str, str]:
    """Run the validator.

    Args:
        stream: the asset, seekable.
        media_type: as the library names it.
        manifest: detached manifest store, or None for the embedded one.
        settings: JSON settings of the library.

    Returns:
        `reader` and `crjson`, both JSON texts.

    Raises:
        ValidatorError: with the library's message.
    """
    import c2pa

    try:
        with (
            c2pa.Context.from_json(settings) as context,
            c2pa.Reader(media_type, stream, manifest, context=context) as reader,
        ):
            return {"reader": reader.json(), "crjson": reader.crjson()}
    except c2pa.C2paError as error:
        raise ValidatorError(str(error)) from error


def send(channel: socket.socket, message: dict[str, Any]) -> None:
    """One length-prefixed JSON message."""
    body = json.dumps(message).encode()
    channel.sendall(len(body).to_bytes(HEADER_BYTES, "big") + body)


def receive(channel: socket.socket) -> dict[str, Any]:
    """The next message.

    Raises:
        EOFError: the other side is gone, or sends nonsense.
    """
    length = int.from_bytes(_exactly(channel, HEADER_BYTES), "big")
    if length > MAX_MESSAGE:
        raise EOFError
    message: dict[str, Any] = json.loads(_exactly(channel, length))
    return message


def _exactly(channel: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        part = channel.recv(min(length - len(data), 1 << 20))
        if not part:
            raise EOFError
        data += part
    return bytes(data)


def serve(channel: socket.socket, shared: int) -> None:
    """Answer requests until the parent closes the channel.

    Args:
        channel: to the parent.
        shared: open file that the parent writes the asset and then the manifest into.
    """
    _limit_memory()
    import c2pa

    send(channel, {"ready": c2pa.sdk_version()})
    memory, settings = _Memory(shared), ""
    while True:
        try:
            request = receive(channel)
        except EOFError:
            return
        settings = request.get("settings", settings)
        view = memory.view()
        size, extra = request["size"], request["manifest_size"]
        manifest = None if extra is None else bytes(view[size : size + extra])
        stream = _Window(view[:size])
        try:
            answer = validate(stream, request["media_type"], manifest, settings)
        except ValidatorError as error:
            answer = {"error": str(error)}
        stream.close()
        send(channel, answer)


class _Memory:
    """The shared file, mapped again only when its size changed: mapping costs page faults."""

    def __init__(self, shared: int) -> None:
        self._file = shared
        self._map: mmap.mmap | None = None

    def view(self) -> memoryview:
        size = os.fstat(self._file).st_size
        if self._map is None or len(self._map) != size:
            self._map = mmap.mmap(self._file, size, access=mmap.ACCESS_READ)
        return memoryview(self._map)


class _Window(io.RawIOBase):
    """Shared memory as a stream, without a copy of the whole."""

    def __init__(self, view: memoryview) -> None:
        self._view, self._at = view, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        with memoryview(buffer).cast("B") as target:
            part = self._view[self._at : self._at + len(target)]
            target[: len(part)] = part
            self._at += len(part)
            return len(part)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = (0, self._at, len(self._view))[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        self._view.release()
        super().close()


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Entry of the child process: the last arguments are the channel and the shared file."""
    with socket.socket(fileno=int(sys.argv[-2])) as channel:
        serve(channel, int(sys.argv[-1]))

"""The one place where the native C2PA validator is called, and the child that calls it.

Nothing here trusts its input and nothing here interprets the answer: two JSON texts, or the
library's error message, go back to the caller.
"""

from __future__ import annotations

import io
import json
import os
import socket
import sys
from typing import IO, Any

MEMORY_BYTES = 2_000_000_000
"""Address space of a child: the validator needs 0.4 GB mapped and streams the file; one
known file made it ask for 12 GB (contentauth/c2pa-rs#1885)."""
HEADER_BYTES = 4
MAX_MESSAGE = 64_000_000


class ValidatorError(Exception):
    """The validator answered with an error instead of a report; the message is its own."""


def validate(
    stream: IO[bytes], media_type: str, manifest: bytes | None, settings: str
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


def send(channel: socket.socket, message: dict[str, Any], files: tuple[int, ...] = ()) -> None:
    """One length-prefixed JSON message, with open files attached."""
    body = json.dumps(message).encode()
    header = len(body).to_bytes(HEADER_BYTES, "big")
    if files:
        socket.send_fds(channel, [header], list(files))
    else:
        channel.sendall(header)
    channel.sendall(body)


def receive(channel: socket.socket, max_files: int = 0) -> tuple[dict[str, Any], list[int]]:
    """The next message and its files.

    Raises:
        EOFError: the other side is gone, or sends nonsense.
    """
    header, files, _, _ = socket.recv_fds(channel, HEADER_BYTES, max_files)
    length = int.from_bytes(header, "big")
    if len(header) < HEADER_BYTES or length > MAX_MESSAGE:
        raise EOFError
    body = bytearray()
    while len(body) < length:
        part = channel.recv(min(length - len(body), 1 << 20))
        if not part:
            raise EOFError
        body += part
    return json.loads(body), files


def serve(channel: socket.socket) -> None:
    """Answer requests until the parent closes the channel."""
    _limit_memory()
    import c2pa

    send(channel, {"ready": c2pa.sdk_version()})
    while True:
        try:
            request, files = receive(channel, max_files=2)
        except EOFError:
            return
        with os.fdopen(files[0], "rb") as asset:
            manifest = None
            if len(files) > 1:
                with os.fdopen(files[1], "rb") as stream:
                    manifest = stream.read()
            # The library reads in small steps; one copy is faster than many system calls.
            content = io.BytesIO(asset.read())
        try:
            answer = validate(content, request["media_type"], manifest, request["settings"])
            send(channel, answer)
        except ValidatorError as error:
            send(channel, {"error": str(error)})


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Entry of the child process: the channel's file number is the only argument."""
    with socket.socket(fileno=int(sys.argv[-1])) as channel:
        serve(channel)

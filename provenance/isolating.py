"""Validation in child processes, so that a hostile file can take down only a child.

Children are kept warm and reused. They get no environment beyond what Python needs, a limit
on memory, and the file as an anonymous descriptor; they answer with text.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack, suppress
from typing import IO, Any

from assay.errors import LimitExceeded
from assay.provenance.validating import ValidatorError, receive, send

SECONDS = 10.0
"""For one validation: ten times what 100 MB take on a slow machine."""
START_SECONDS = 60.0
"""For a child to start: importing Python and a 23 MB library from a cold disk."""

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from assay.provenance.validating import main; main()"
)


class _Child:
    """One warm validator."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        self._channel = ours
        self._channel.settimeout(START_SECONDS)
        receive(self._channel)

    def ask(
        self, request: dict[str, Any], files: tuple[int, ...], seconds: float
    ) -> dict[str, Any]:
        self._channel.settimeout(seconds)
        send(self._channel, request, files)
        return receive(self._channel)[0]

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()


class _Pool:
    """Idle children of this process; as many as threads ever validated at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._owner = os.getpid()

    def take(self) -> _Child:
        with self._lock:
            if self._owner != os.getpid():
                # Forked: the children belong to the parent.
                self._idle, self._owner = [], os.getpid()
            while self._idle:
                child = self._idle.pop()
                if child.is_alive():
                    return child
                child.close()
        return _Child()

    def give_back(self, child: _Child) -> None:
        with self._lock:
            self._idle.append(child)

    def close(self) -> None:
        with self._lock:
            if self._owner == os.getpid():
                for child in self._idle:
                    child.close()
            self._idle = []


_pool = _Pool()
atexit.register(_pool.close)


def validate_isolated(
    data: bytes,
    media_type: str,
    manifest: bytes | None,
    settings: str,
    *,
    seconds: float | None = None,
) -> dict[str, str]:
    """As `validating.validate`, in a child process.

    Args:
        data: the asset.
        media_type, manifest, settings: as `validating.validate`.
        seconds: default `SECONDS`.

    Raises:
        ValidatorError: the validator's own error.
        LimitExceeded: the child took too long, or died.
    """
    limit = SECONDS if seconds is None else seconds
    request = {"media_type": media_type, "settings": settings}
    with ExitStack() as stack:
        parts = [data] if manifest is None else [data, manifest]
        files = tuple(stack.enter_context(_anonymous(part)).fileno() for part in parts)
        child = _pool.take()
        try:
            answer = child.ask(request, files, limit)
        except TimeoutError as error:
            child.close()
            raise LimitExceeded(f"validating the manifest took over {limit:g} s") from error
        except (EOFError, OSError) as error:
            child.close()
            raise LimitExceeded("the validator stopped on this file") from error
        except BaseException:
            child.close()
            raise
        _pool.give_back(child)
    if "error" in answer:
        raise ValidatorError(answer["error"])
    return {"reader": answer["reader"], "crjson": answer["crjson"]}


def _anonymous(data: bytes) -> IO[bytes]:
    """An open file without a name that holds `data`, at its start."""
    stream: IO[bytes]
    if hasattr(os, "memfd_create"):
        stream = os.fdopen(os.memfd_create("assay"), "w+b", buffering=0)
    else:
        stream = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # the caller closes it
    view = memoryview(data)
    while view:
        view = view[stream.write(view) :]
    stream.seek(0)
    return stream


def close() -> None:
    """End the idle children; they start again when needed."""
    with suppress(OSError):
        _pool.close()

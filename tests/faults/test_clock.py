"""The clock jumps: nothing is lost, done twice, or stuck until the clock comes by again."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import time_machine

from assay.api.jobs import DurableJobs
from assay.api.jobs.caretaking import Caretaker, alive
from assay.api.reservations import Reservation, StillAtWork
from assay.api.runtime import Runtime
from assay.encoding import encode_png
from assay.provenance import keys
from assay.provenance.marking import sign
from assay.provenance.reading import read
from assay.settings import settings

HOUR = 3600.0


@pytest.fixture
def accepting(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The parts of a process that accepts uploads and examines none."""
    monkeypatch.setenv("ASSAY_ROLE", "api")
    settings.cache_clear()
    runtime = Runtime()
    runtime.start()
    yield runtime
    runtime.stop()


@pytest.mark.parametrize("jump", [-2 * HOUR, 2 * HOUR])
def test_an_upload_stays_in_the_queue_once(
    accepting: Runtime, chelsea: np.ndarray, jump: float
) -> None:
    picture = encode_png(np.ascontiguousarray(chelsea[:64, :64]))
    record = accepting.accept(io.BytesIO(picture), name="a.png", caller="someone")
    jobs = accepting.jobs
    assert isinstance(jobs, DurableJobs)
    caretaker = Caretaker(jobs, accepting.records, accepting.store)
    caretaker.look_around()
    with time_machine.travel(time.time() + jump, tick=True):
        caretaker.look_around()
        caretaker.tidy()
        # Whoever beats with the new clock is alive, whatever the others wrote before.
        assert jobs.worker_id in alive(accepting.records.engine)
        assert jobs.health().queued == 1
        assert accepting.store.keys() == [record.media]
        begun = accepting.records.begin(record.id, [])
        assert begun is not None
        assert accepting.records.finish(begun[0], result="{}", category="no-evidence")
    assert accepting.find(record.id).status == "done"


def test_who_is_taken_for_dead_by_a_clock_writes_nothing(isolated_home: Path) -> None:
    """A jump makes a request look abandoned: the one who took over answers, and it alone."""
    from fastapi import Response

    written: list[str] = []
    first, second = (Reservation("someone", "key", "same request") for _ in range(2))
    assert first.take() is None
    with time_machine.travel(time.time() + HOUR, tick=True):
        assert second.take() is None
        with pytest.raises(StillAtWork):
            first.answer(Response(b"1", 201), [lambda _: written.append("first")])
        first.renew()
        first.release()
        second.answer(Response(b"2", 201), [lambda _: written.append("second")])
        again = Reservation("someone", "key", "same request").take()
    assert again is not None
    assert again.body == b"2"
    assert written == ["second"]


def test_a_clock_that_went_back_does_not_hold_a_key_for_long(isolated_home: Path) -> None:
    with time_machine.travel(time.time() + HOUR, tick=True):
        assert Reservation("someone", "key", "same request").take() is None
    # Its process died with the jump: nobody says that the request is still at work.
    assert Reservation("someone", "key", "same request").take() is None


def test_signing_goes_on(isolated_home: Path, chelsea: np.ndarray) -> None:
    keys.init()
    picture = encode_png(np.ascontiguousarray(chelsea[:128, :160]))
    before = sign(picture, watermark=False)
    with time_machine.travel(time.time() + HOUR, tick=True):
        ahead = sign(picture, watermark=False)
    back = sign(picture, watermark=False)
    assert [each.receipt.log_index for each in (before, ahead, back)] == [0, 1, 2]
    assert [read(each.media).state for each in (before, ahead, back)] == ["trusted"] * 3

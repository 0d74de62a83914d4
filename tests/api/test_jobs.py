"""Every accepted upload gets exactly one result, whatever happens to the workers."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from assay.api import retention
from assay.api.capacity import Busy
from assay.api.examining.examiners import LocalExaminers
from assay.api.jobs import DurableJobs, caretaking
from assay.api.jobs.work import MAX_ATTEMPTS, Work
from assay.api.media_store import StoreUnavailable
from assay.api.records import Record, Records, open_database
from assay.api.records.schema import events, verifications, workers
from assay.api.runtime import Runtime
from assay.encoding import encode_png
from assay.evidence import Verification
from assay.settings import settings
from tests.api import hostile
from tests.faults.failing_store import Trouble, failing_store

Pixels = np.ndarray


@pytest.fixture
def accepting(isolated_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The parts of a process that accepts uploads and leaves the work to others."""
    monkeypatch.setenv("ASSAY_ROLE", "api")
    settings.cache_clear()
    runtime = Runtime()
    runtime.start()
    yield runtime
    runtime.stop()


def accept(runtime: Runtime, pixels: Pixels, priority: str = "live") -> Record:
    data = io.BytesIO(encode_png(np.ascontiguousarray(pixels)))
    return runtime.accept(data, name="tile.png", caller="someone", priority=priority)  # type: ignore[arg-type]


def start_worker() -> subprocess.Popen[bytes]:
    """A real `assay worker` in the environment of this test."""
    program = "from assay.cli import main; main()"
    return subprocess.Popen(
        [sys.executable, "-c", program, "worker"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wait_for(runtime: Runtime, unfinished: int, seconds: float) -> int:
    """Until so few have no result, or time is over; how many have none."""
    end = time.monotonic() + seconds
    while (left := runtime.records.count_unfinished()) > unfinished and time.monotonic() < end:
        time.sleep(0.02)
    return left


def test_kill_9_at_random_points(accepting: Runtime, astronaut: Pixels) -> None:
    drawn = random.Random(7)
    tiles = [
        astronaut[y : y + 48, x : x + 48] for y in range(0, 480, 48) for x in range(0, 480, 48)
    ]
    ids = [accept(accepting, tile).id for tile in tiles]
    assert len(ids) == 100

    kills = 0
    left = len(ids)
    while left > 0:
        running = start_worker()
        try:
            # The first dies while it starts, the others in the middle of their work.
            goal = left if kills == 0 else max(0, left - drawn.randint(5, 18))
            left = wait_for(accepting, goal, drawn.uniform(0.2, 2.5) if kills == 0 else 60)
            time.sleep(drawn.uniform(0, 0.2))
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()
        kills += 1
    assert kills >= 4

    with open_database().connect() as connection:
        rows = connection.execute(sa.select(verifications)).all()
        done = sa.select(events.c.verification).where(events.c.kind == "done")
        results = connection.execute(done).scalars().all()
    assert sorted(row.id for row in rows) == sorted(ids)
    assert {row.status for row in rows} == {"done"}
    assert sorted(results) == sorted(ids)  # one for each, and no second one
    assert max(row.attempts for row in rows) > 1  # the kills did hit examinations
    assert all(
        Verification.model_validate_json(row.result).media.sha256 == row.sha256 for row in rows
    )


def test_jobs_of_dead_workers_are_run_by_the_living(accepting: Runtime) -> None:
    engine = accepting.records.engine
    caretaking.beat(engine, "me")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    elsewhere = {"host": "another machine", "pid": os.getpid()}
    with engine.begin() as connection:
        connection.execute(
            workers.insert(),
            [
                {"id": "gone", "host": caretaking.place(), "pid": gone.pid, "seen": time.time()},
                {"id": "silent", **elsewhere, "seen": time.time() - 1000},
                {"id": "far", **elsewhere, "seen": time.time()},
            ],
        )
    assert caretaking.alive(engine) == {"me", "far"}


def test_a_record_that_never_reached_the_queue_is_queued(
    accepting: Runtime, chelsea: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = accept(accepting, chelsea[:64, :64], "batch")
    jobs = accepting.jobs
    assert isinstance(jobs, DurableJobs)
    jobs.forget(record.id)
    assert jobs.lost([record.id]) == {record.id}

    monkeypatch.setattr(caretaking, "OVERDUE_SECONDS", -1.0)
    caretaker = caretaking.Caretaker(jobs, accepting.records, accepting.store)
    caretaker.look_around()

    assert jobs.lost([record.id]) == set()
    assert jobs.health().queued == 1


def test_a_job_that_this_worker_dropped_is_queued_again(
    accepting: Runtime, chelsea: Pixels
) -> None:
    """DBOS drops what it has just taken when the database goes away, and says it is running."""
    id = accept(accepting, chelsea[:64, :64]).id
    jobs = accepting.jobs
    assert isinstance(jobs, DurableJobs)
    engine = sa.create_engine(settings().jobs_url)
    with engine.begin() as connection:
        taken = sa.text("UPDATE workflow_status SET status = 'PENDING', executor_id = :me")
        connection.execute(taken, {"me": jobs.worker_id})
    assert jobs.health().queued == 0
    assert jobs.recover({jobs.worker_id}) == 0  # it may be about to begin
    assert jobs.recover({jobs.worker_id}) == 1
    assert jobs.lost([id]) == set()
    assert jobs.health().queued == 1


def test_a_job_is_queued_once(accepting: Runtime, chelsea: Pixels) -> None:
    record = accept(accepting, chelsea[:64, :64])
    accepting.jobs.submit(record.id)
    assert accepting.jobs.health().queued == 1


def test_live_goes_before_batch(isolated_home: Path) -> None:
    ran: list[str] = []
    submitting = DurableJobs()
    submitting.start()
    for job, priority in [("b1", "batch"), ("b2", "batch"), ("l1", "live"), ("l2", "live")]:
        submitting.submit(job, priority)  # type: ignore[arg-type]
    working = DurableJobs(ran.append, at_once=1)
    working.start()
    end = time.monotonic() + 20
    while len(ran) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    working.stop(1)
    submitting.stop(0)
    assert set(ran[:2]) == {"l1", "l2"}
    assert set(ran[2:]) == {"b1", "b2"}


def test_only_the_last_attempt_may_write_the_result(accepting: Runtime, chelsea: Pixels) -> None:
    records = accepting.records
    id = accept(accepting, chelsea[:64, :64]).id
    first = records.begin(id, [])
    second = records.begin(id, [])
    assert first is not None
    assert second is not None

    assert not records.finish(first[0], result="{}", category="no-evidence")
    assert records.finish(second[0], result="{}", category="no-evidence")
    assert not records.finish(second[0], result="{}", category="generated")
    assert records.begin(id, []) is None
    found = records.get(id)
    assert found is not None
    assert (found.status, found.category) == ("done", "no-evidence")


def test_an_upload_that_takes_its_worker_down_is_given_up(
    accepting: Runtime, chelsea: Pixels
) -> None:
    id = accept(accepting, chelsea[:64, :64]).id
    with accepting.records.engine.begin() as connection:
        connection.execute(verifications.update().values(attempts=MAX_ATTEMPTS))
    running = start_worker()
    try:
        assert wait_for(accepting, 0, 60) == 0
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(timeout=60) == 0
    record = accepting.find(id)
    assert record.result is not None
    reasons = json.loads(record.result)["verdict"]["not_scored"]
    assert "broken off 10 times" in reasons[0]["why"]


def test_what_a_stopped_worker_did_not_finish_is_run_again(
    isolated_home: Path, chelsea: Pixels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(hostile.install(tmp_path))
    monkeypatch.setenv("ASSAY_SHUTDOWN_SECONDS", "0")
    monkeypatch.setenv("ASSAY_WORKERS", "1")
    settings.cache_clear()
    data = io.BytesIO(encode_png(np.ascontiguousarray(chelsea[:64, :64])))
    first, second = Runtime(), Runtime()

    first.start()
    record = first.accept(data, name="slow.png", caller="someone")
    end = time.monotonic() + 60
    while not first.records.events(record.id) and time.monotonic() < end:
        time.sleep(0.02)
    first.stop()
    broken_off = second.find(record.id)
    assert broken_off.status == "running"  # nobody took the end of the child for a crash

    second.start()
    assert wait_for(second, 0, 60) == 0
    second.stop()
    assert (second.find(record.id).status, second.find(record.id).attempts) == ("done", 2)


@pytest.fixture
def trouble(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trouble]:
    """Media in a bucket, and the trouble that it can make."""
    with failing_store(monkeypatch) as (url, made):
        monkeypatch.setenv("ASSAY_MEDIA_URL", url)
        yield made


def test_a_store_that_is_away_costs_no_attempt(
    trouble: Trouble, accepting: Runtime, chelsea: Pixels
) -> None:
    """For a while: an upload that the store will not give is not asked for without end."""
    id = accept(accepting, chelsea[:64, :64]).id
    work = Work(accepting.records, accepting.store, LocalExaminers(accepting.store))
    trouble.refusing = True
    for hours, attempts in [(0.0, 0), (1.1, 1)]:
        with accepting.records.engine.begin() as connection:
            connection.execute(verifications.update().values(created=time.time() - hours * 3600))
        with pytest.raises(StoreUnavailable):
            work(id)
        assert accepting.find(id).attempts == attempts
    trouble.refusing = False
    begun = accepting.records.begin(id, [])
    assert begun is not None
    accepting.records.give_back(begun[0])
    taken_over = accepting.records.begin(id, [])
    again = accepting.records.begin(id, [])
    assert taken_over is not None
    assert again is not None
    accepting.records.give_back(taken_over[0])  # too late: nothing happens
    assert accepting.find(id).attempts == again[0].attempts == 3


def test_too_long_a_queue_is_refused(
    accepting: Runtime, chelsea: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_MAX_QUEUED", "1")
    settings.cache_clear()
    accept(accepting, chelsea[:64, :64])
    with pytest.raises(Busy):
        accept(accepting, chelsea[:64, :64])
    assert len(accepting.store.keys()) == 1


def test_media_are_deleted_in_time_and_the_result_stays(
    accepting: Runtime, chelsea: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = accept(accepting, chelsea[:64, :64])
    monkeypatch.setenv("ASSAY_RETENTION_HOURS", "0")
    settings.cache_clear()
    old = accept(accepting, chelsea[64:128, :64])

    assert retention.sweep(accepting.records, accepting.store) == 1
    assert accepting.store.keys() == [kept.media]
    assert accepting.find(old.id).media is None
    assert accepting.find(old.id).sha256 == old.sha256
    assert retention.sweep(accepting.records, accepting.store) == 0


def test_records_of_one_caller(accepting: Runtime, chelsea: Pixels) -> None:
    record = accept(accepting, chelsea[:64, :64])
    records = Records(open_database())
    assert records.get(record.id, "someone") is not None
    assert records.get(record.id, "someone else") is None

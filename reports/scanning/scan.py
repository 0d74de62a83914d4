"""A scan from its plan to its report; the same call again goes on where it stopped."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from assay.errors import OutputRefused, UnreadableFile
from assay.reports.scanning.identifying import first_met, identify
from assay.reports.scanning.plan import SHARD_FILES, Plan, planned
from assay.reports.scanning.shards import answer_shard
from assay.reports.scanning.summary import ScanSummary, summarise
from assay.reports.scanning.workers import FILE_SECONDS, Workers, single_threaded
from assay.settings import settings

_TEMPORARY = (".plan-*.json", ".summary-*.json", ".report-*.html", "*/.part-*.parquet")
"""What `atomic_path` leaves when the process is killed while it writes."""

Engine = Literal["local", "ray"]
Progress = Callable[[str, int, int], None]
"""Called with the stage, files done in it, and files in all."""


def scan(
    source: str,
    out: Path,
    *,
    task: str = "verify",
    options: dict[str, Any] | None = None,
    workers: int = 1,
    engine: Engine = "local",
    shard_files: int = SHARD_FILES,
    file_seconds: float = FILE_SECONDS,
    progress: Progress = lambda stage, done, total: None,
) -> ScanSummary:
    """Ask the same of every file of a source, each distinct content once.

    Args:
        source: see `sources.list_source`.
        out: folder for plan, results and report. A scan that was stopped,
            however, goes on from there; `local` redoes at most one shard, `ray` one a worker.
        task: a name of `tasks.TASKS`.
        options: of the task; see `tasks`.
        workers: processes, each on one thread.
        engine: `local` processes, or a `ray` cluster, which must see `out` and the source.
        shard_files: files that are committed together.
        file_seconds: wall-clock limit for one file.

    Raises:
        OutputRefused: `out` holds another scan, or one that is running.
        UnreadableFile: the source cannot be listed, or is empty.
        MissingExtra: pyarrow, pebble or ray is not installed.
    """
    with _alone(out):
        plan = planned(out, source, task, options or {}, shard_files)
        if not plan.files:
            (out / "plan.json").unlink()
            raise UnreadableFile(f"{source}: nothing to scan")
        done = 0
        max_bytes = settings().limits.max_bytes
        for count in identify(out, plan.shards, threads=2 * workers, max_bytes=max_bytes):
            done += count
            progress("Identifying", done, plan.files)
        first = first_met(out, plan.shards)
        single_threaded()
        if engine == "ray":
            from assay.reports.scanning.ray_engine import answer_on_ray

            answer_on_ray(out, plan, first, workers, file_seconds, progress)
        else:
            _answer_locally(out, plan, first, workers, file_seconds, progress)
        return summarise(out, plan)


def _answer_locally(
    out: Path,
    plan: Plan,
    first: Callable[[int], NDArray[np.bool_]],
    workers: int,
    file_seconds: float,
    progress: Progress,
) -> None:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress("Scanning", done, plan.files)

    with Workers(workers, file_seconds=file_seconds) as pool:
        for shard in range(plan.shards):
            answer_shard(out, plan, shard, first(shard), pool, advance)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder against a second scan, and clear what a killed one left half-written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise OutputRefused(f"{out}: {error.strerror or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise OutputRefused(f"{out}: another scan is writing there") from error
        for pattern in _TEMPORARY:
            for leftover in out.glob(pattern):
                leftover.unlink()
        yield

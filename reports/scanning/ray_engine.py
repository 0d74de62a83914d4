"""Shards on a Ray cluster. Ray Data places them; committing stays with the shard."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.ray_clusters import ray_required
from assay.reports.scanning import tables
from assay.reports.scanning.plan import Plan
from assay.reports.scanning.shards import answer_shard
from assay.reports.scanning.workers import Workers, single_threaded


class ShardAnswerer:
    """An actor that answers shards, one after another, with a worker process of its own."""

    def __init__(self, out: str, plan: dict[str, Any], file_seconds: float) -> None:
        single_threaded()
        self._out = Path(out)
        self._plan = Plan(**plan)
        self._workers = Workers(1, file_seconds=file_seconds)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        shard, first = int(row["shard"]), np.asarray(row["first"], bool)
        answer_shard(
            self._out, self._plan, shard, first, self._workers, progress=lambda count: None
        )
        return {"files": len(first)}


def answer_on_ray(
    out: Path,
    plan: Plan,
    first: Callable[[int], NDArray[np.bool_]],
    workers: int,
    file_seconds: float,
    progress: Callable[[str, int, int], None],
) -> None:
    """Answer every open shard on the cluster of `RAY_ADDRESS`, or on one of this machine.

    Raises:
        MissingExtra: ray is not installed.
    """
    with ray_required():
        import ray
    started = not ray.is_initialized()
    if started:
        ray.init(
            num_cpus=None if "RAY_ADDRESS" in os.environ else workers,
            include_dashboard=False,
            logging_level="error",
            log_to_driver=False,
        )
    try:
        _answer(ray, out, plan, first, workers, file_seconds, progress)
    finally:
        if started:
            ray.shutdown()


def _answer(
    ray: Any,
    out: Path,
    plan: Plan,
    first: Callable[[int], NDArray[np.bool_]],
    workers: int,
    file_seconds: float,
    progress: Callable[[str, int, int], None],
) -> None:
    ray.data.DataContext.get_current().enable_progress_bars = False
    is_open = [not tables.part(out / "results", shard).exists() for shard in range(plan.shards)]
    done = sum(len(first(shard)) for shard in range(plan.shards) if not is_open[shard])
    rows = [
        {"shard": shard, "first": first(shard)} for shard in range(plan.shards) if is_open[shard]
    ]
    if not rows:
        progress("Scanning", done, plan.files)
        return
    answered = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
        ShardAnswerer,
        fn_constructor_args=(str(out.absolute()), plan.model_dump(), file_seconds),
        compute=ray.data.ActorPoolStrategy(size=workers),
        num_cpus=1,
    )
    for row in answered.iter_rows():
        done += int(row["files"])
        progress("Scanning", done, plan.files)

"""Second pass: the answers of one shard, committed in one rename."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.reports.scanning import tables
from assay.reports.scanning.answering import Question
from assay.reports.scanning.plan import Plan
from assay.reports.scanning.workers import Workers


def answer_shard(
    out: Path,
    plan: Plan,
    shard: int,
    first: NDArray[np.bool_],
    workers: Workers,
    progress: Callable[[int], None],
) -> None:
    """Write `results/part-*` of one shard; nothing if it is there already.

    Args:
        first: bool, one for each file of the shard: whether to answer for it here.
        progress: called with the number of files that got an answer.
    """
    path = tables.part(out / "results", shard)
    files = tables.read(tables.part(out / "files", shard))
    if path.exists():
        progress(len(files))
        return
    rows: list[dict[str, Any]] = []
    questions: list[Question] = []
    places: list[int] = []
    for file, is_first in zip(files, first, strict=True):
        if not is_first:
            continue
        if file["sha256"] is None:
            rows.append(file)
            continue
        places.append(len(rows))
        rows.append({})
        questions.append(
            Question(
                uri=file["uri"],
                size=file["size"],
                sha256=file["sha256"],
                task=plan.task,
                options=tuple(sorted(plan.options.items())),
            )
        )
    progress(len(files) - len(questions))
    for index, row in workers.answers(questions):
        rows[places[index]] = row
        progress(1)
    tables.write(path, rows, tables.RESULTS)

"""Scoring a labelled corpus under every condition."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.evaluation.conditions import CONDITIONS, named_conditions
from assay.detector.features import extract
from assay.detector.models import DetectorModel
from assay.detector.neutralisation import neutralise
from assay.detector.scoring import score
from assay.detector.table import MIN_LONG_SIDE, Refusal, Table, metadata_of, statistics_of
from assay.errors import InputRefused
from assay.media import Media


@dataclass(frozen=True)
class Measured:
    """One picture under every condition.

    Attributes:
        log_odds: calibrated, one per condition.
        claimed: whether the detector said `likely-generated`, one per condition.
    """

    row: Row
    log_odds: NDArray[np.float64]
    claimed: NDArray[np.bool_]
    features: NDArray[np.float32]
    statistics: NDArray[np.float32]
    metadata: NDArray[np.float32]


@dataclass(frozen=True)
class Measurements:
    """A scored corpus, column by column.

    Attributes:
        conditions: their names; "standard" is the first.
        log_odds, claimed: n x conditions.
        table: features, statistics and metadata of the standard condition, for the probes.
    """

    conditions: tuple[str, ...]
    log_odds: NDArray[np.float64]
    claimed: NDArray[np.bool_]
    table: Table


Progress = Callable[[Iterable[Measured | Refusal], int], Iterable[Measured | Refusal]]


def measure(
    rows: Sequence[Row],
    model: DetectorModel,
    *,
    conditions: Sequence[str] = tuple(CONDITIONS),
    workers: int = 1,
    progress: Progress | None = None,
) -> Measurements:
    """Score every picture under every condition.

    Raises:
        ConfigurationError: an unknown condition.
        InputRefused: no picture could be measured.
    """
    names = named_conditions(conditions)
    work = partial(measure_row, model=model, conditions=names)
    done: list[Measured] = []
    refused: list[Refusal] = []
    for result in _run(work, rows, workers, progress):
        if isinstance(result, Measured):
            done.append(result)
        else:
            refused.append(result)
    if not done:
        raise InputRefused(f"no picture could be measured: {refused[0].why if refused else ''}")
    table = Table(
        rows=tuple(item.row for item in done),
        features=np.stack([item.features for item in done])[:, None],
        statistics=np.stack([item.statistics for item in done]),
        metadata=np.stack([item.metadata for item in done]),
        views=("standard",),
        refused=tuple(refused),
    )
    return Measurements(
        conditions=names,
        log_odds=np.stack([item.log_odds for item in done]),
        claimed=np.stack([item.claimed for item in done]),
        table=table,
    )


def measure_row(row: Row, *, model: DetectorModel, conditions: Sequence[str]) -> Measured | Refusal:
    """Score one picture under the named conditions."""
    try:
        media = Media.open(row.path, any_extension=True)
        pixels = media.pixels()
    except InputRefused as refusal:
        why = refusal.message.removeprefix(f"{row.path}: ").removeprefix(f"{row.path.name}: ")
        return Refusal(row, why)
    if max(media.width, media.height) < MIN_LONG_SIDE:
        return Refusal(row, f"long side under {MIN_LONG_SIDE} px")
    presented = [CONDITIONS[name](pixels) for name in conditions]
    scores = [score(picture, model=model) for picture in presented]
    return Measured(
        row=row,
        log_odds=np.array([item.log_odds for item in scores]),
        claimed=np.array([item.likely_generated for item in scores]),
        features=extract(neutralise(presented[0])),
        statistics=statistics_of(presented[0]),
        metadata=metadata_of(media),
    )


def _run(
    work: Callable[[Row], Measured | Refusal],
    rows: Sequence[Row],
    workers: int,
    progress: Progress | None,
) -> Iterable[Measured | Refusal]:
    wrap = progress or (lambda results, total: results)
    if workers <= 1:
        yield from wrap(map(work, rows), len(rows))
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from wrap(pool.imap(work, rows, chunksize=8), len(rows))

"""From a manifest to a table of features: every picture in several renditions."""

from __future__ import annotations

import json
import multiprocessing
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.features import FEATURE_VERSION, NAMES, extract
from assay.detector.neutralisation import (
    STANDARD,
    WORKING_LONG_SIDE,
    Rendition,
    centre_crop,
    compress,
    neutralise,
    reduce,
)
from assay.detector.table import MIN_LONG_SIDE, Example, Refusal, Table, metadata_of, statistics_of
from assay.detector.training.augmentation import deliver
from assay.errors import InputRefused
from assay.files import atomic_path
from assay.media import Media

Pixels = NDArray[np.uint8]
View = Callable[[Pixels, np.random.Generator], Pixels]
Progress = Callable[[Iterable["Example | Refusal"], int], Iterable["Example | Refusal"]]


def standard_view(pixels: Pixels, rng: np.random.Generator | None = None) -> Pixels:
    """Long side 512, 320-px centre crop, JPEG 90: how evaluation presents every picture."""
    del rng
    return compress(centre_crop(reduce(pixels, STANDARD.long_side), STANDARD.crop), 90)


def training_views(deliveries: int, rendition: Rendition = STANDARD) -> dict[str, View]:
    """The standard rendition and `deliveries` random ones."""
    views: dict[str, View] = {"standard": standard_view}
    for number in range(1, deliveries + 1):
        views[f"delivery-{number}"] = partial(_delivery, rendition=rendition)
    return views


def _delivery(pixels: Pixels, rng: np.random.Generator, rendition: Rendition) -> Pixels:
    return deliver(pixels, rng, rendition)


def build_table(
    rows: Sequence[Row],
    views: dict[str, View],
    *,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> Table:
    """Measure every picture under every view.

    Args:
        rows: what to measure; unreadable or too small pictures are recorded as refused.
        views: functions from original pixels to a presented picture; module-level functions or
            partials of them when `workers` > 1. Presented pictures are neutralised before
            features are measured, exactly as in scoring.
        workers: processes.
        seed: of the random views; each picture has its own stream, so order is irrelevant.
        progress: wraps the iterator of results.

    Raises:
        InputRefused: no picture at all could be measured.
    """
    measure = partial(measure_row, views=views, seed=seed)
    results: Iterable[Example | Refusal] = _map(measure, rows, workers)
    if progress is not None:
        results = progress(results, len(rows))
    examples: list[Example] = []
    refused: list[Refusal] = []
    for result in results:
        if isinstance(result, Example):
            examples.append(result)
        else:
            refused.append(result)
    if not examples:
        why = refused[0].why if refused else "the manifest is empty"
        raise InputRefused(f"no picture could be measured: {why}")
    return Table(
        rows=tuple(example.row for example in examples),
        features=np.stack([example.features for example in examples]),
        statistics=np.stack([example.statistics for example in examples]),
        metadata=np.stack([example.metadata for example in examples]),
        views=tuple(views),
        refused=tuple(refused),
    )


def measure_row(row: Row, *, views: dict[str, View], seed: int) -> Example | Refusal:
    """Measure one picture."""
    try:
        media = Media.open(row.path, any_extension=True)
        pixels = reduce(media.pixels(), WORKING_LONG_SIDE)
    except InputRefused as refusal:
        return Refusal(row, refusal.message)
    if max(media.width, media.height) < MIN_LONG_SIDE:
        return Refusal(row, f"long side under {MIN_LONG_SIDE} px")
    rng = np.random.default_rng([seed, zlib.crc32(media.data)])
    presented = [view(pixels, rng) for view in views.values()]
    features = [extract(neutralise(picture)) for picture in presented]
    return Example(row, np.stack(features), statistics_of(presented[0]), metadata_of(media))


def _map(
    measure: Callable[[Row], Example | Refusal], rows: Sequence[Row], workers: int
) -> Iterator[Example | Refusal]:
    if workers <= 1:
        yield from map(measure, rows)
        return
    # "spawn": forked OpenCV thread pools can deadlock.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(measure, rows, chunksize=8)


def save_table(table: Table, path: str | Path) -> None:
    """Keep a table, so that an interrupted or repeated training does not measure again.

    Raises:
        OutputRefused: the file cannot be written.
    """
    with atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            feature_version=np.array(FEATURE_VERSION),
            names=np.array(NAMES),
            features=table.features,
            statistics=table.statistics,
            metadata=table.metadata,
            views=np.array(table.views),
            rows=np.array([json.dumps(_row_document(row)) for row in table.rows]),
            refused=np.array(
                [json.dumps([_row_document(item.row), item.why]) for item in table.refused], str
            ),
        )


def load_table(path: str | Path) -> Table:
    """Read a table that `save_table` wrote.

    Raises:
        InputRefused: it is no such file, or its features are of another version.
    """
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        if int(arrays["feature_version"]) != FEATURE_VERSION or tuple(arrays["names"]) != NAMES:
            raise InputRefused(
                f"{path}: measured with another version of the features",
                advice="delete it, and the pictures are measured again",
            )
        refused = [json.loads(text) for text in arrays["refused"]]
        return Table(
            rows=tuple(_row_from(json.loads(text)) for text in arrays["rows"]),
            features=arrays["features"],
            statistics=arrays["statistics"],
            metadata=arrays["metadata"],
            views=tuple(str(view) for view in arrays["views"]),
            refused=tuple(Refusal(_row_from(document), why) for document, why in refused),
        )
    except (OSError, KeyError, ValueError) as error:
        raise InputRefused(f"{path}: not a feature table ({error})") from error


def _row_document(row: Row) -> dict[str, str]:
    return {
        "path": str(row.path),
        "label": row.label,
        "generator": row.generator,
        "source": row.source,
        "licence": row.licence,
    }


def _row_from(document: dict[str, str]) -> Row:
    return Row(
        path=Path(document["path"]),
        label="generated" if document["label"] == "generated" else "real",
        generator=document["generator"],
        source=document["source"],
        licence=document["licence"],
    )

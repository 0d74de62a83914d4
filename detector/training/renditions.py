"""Pictures as a network is trained on them: the standard rendition and random deliveries, on disk.

Decoding and delivering a 12-megapixel original costs more than a training step, so it is done
once. A folder of renditions is resumable: what is there already is kept.
"""

from __future__ import annotations

import json
import multiprocessing
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.neutralisation import STANDARD, WORKING_LONG_SIDE, neutralise, reduce
from assay.detector.table import MIN_LONG_SIDE, Refusal
from assay.detector.training.augmentation import deliver
from assay.errors import InputRefused
from assay.files import write_atomically
from assay.media import Media

Pixels = NDArray[np.uint8]
Progress = Callable[[Iterable["Rendered | Refusal"], int], Iterable["Rendered | Refusal"]]

# Deliveries end with a JPEG; this only keeps it, fast before small.
_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True)
class Rendered:
    """One picture on disk: view 0 is the standard rendition, the others are deliveries."""

    row: Row
    files: tuple[Path, ...]

    def view(self, number: int) -> Pixels:
        """One rendition, sRGB uint8, at most 320 x 320 x 3."""
        return read_png(self.files[number])


def render(
    rows: Sequence[Row],
    folder: str | Path,
    *,
    deliveries: int,
    workers: int = 1,
    seed: int = 0,
    progress: Progress | None = None,
) -> tuple[list[Rendered], list[Refusal]]:
    """Write the renditions of every picture, or find them from an earlier run.

    Args:
        rows: pictures; unreadable or too small ones are returned as refused.
        folder: where the PNG files go; it states its seed and is refused for another one.
        deliveries: random deliveries beside the standard rendition.
        workers: processes.
        seed: of the deliveries; each picture has its own stream, so order is irrelevant.
        progress: wraps the iterator of results.

    Raises:
        InputRefused: no picture could be rendered, or the folder holds renditions of another
            seed.
        OutputRefused: the folder cannot be written.
    """
    folder = Path(folder)
    _claim(folder, {"seed": seed, "rendition": STANDARD.as_dict()})
    work = partial(render_row, folder=folder, deliveries=deliveries, seed=seed)
    results: Iterable[Rendered | Refusal] = _map(work, rows, workers)
    if progress is not None:
        results = progress(results, len(rows))
    rendered: list[Rendered] = []
    refused: list[Refusal] = []
    for result in results:
        if isinstance(result, Rendered):
            rendered.append(result)
        else:
            refused.append(result)
    if not rendered:
        why = refused[0].why if refused else "the manifest is empty"
        raise InputRefused(f"no picture could be rendered: {why}")
    return rendered, refused


def render_row(row: Row, *, folder: Path, deliveries: int, seed: int) -> Rendered | Refusal:
    """Render one picture."""
    try:
        media = Media.open(row.path, any_extension=True)
        stem = folder / sha256(media.data).hexdigest()[:24]
        files = tuple(Path(f"{stem}-{number}.png") for number in range(deliveries + 1))
        if all(file.exists() for file in files):
            return Rendered(row, files)
        if max(media.width, media.height) < MIN_LONG_SIDE:
            return Refusal(row, f"long side under {MIN_LONG_SIDE} px")
        pixels = reduce(media.pixels(), WORKING_LONG_SIDE)
    except InputRefused as refusal:
        return Refusal(row, refusal.message)
    rng = np.random.default_rng([seed, zlib.crc32(media.data)])
    write_png(neutralise(pixels), files[0])
    for file in files[1:]:
        write_png(deliver(pixels, rng), file)
    return Rendered(row, files)


def read_png(path: Path) -> Pixels:
    """sRGB uint8 HxWx3.

    Raises:
        InputRefused: the file is gone or damaged.
    """
    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InputRefused(f"{path}: not a rendition", advice="delete the folder and run again")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def write_png(pixels: Pixels, path: Path) -> None:
    """Write in one step, so that an interrupted run leaves no half of a picture."""
    encoded = cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), _PNG)[1]
    write_atomically(path, encoded.tobytes())


def _claim(folder: Path, terms: dict[str, object]) -> None:
    """State what the renditions in a folder are, or refuse a folder that states otherwise."""
    statement = folder / "renditions.json"
    if statement.exists():
        try:
            same = json.loads(statement.read_text(encoding="utf-8")) == terms
        except ValueError:
            same = False
        if not same:
            raise InputRefused(
                f"{folder}: holds renditions of another seed or form",
                advice="name another folder, or delete this one",
            )
        return
    write_atomically(statement, json.dumps(terms) + "\n")


def _map(
    work: Callable[[Row], Rendered | Refusal], rows: Sequence[Row], workers: int
) -> Iterator[Rendered | Refusal]:
    if workers <= 1:
        yield from map(work, rows)
        return
    # "spawn": forked OpenCV thread pools can deadlock.
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        yield from pool.imap(work, rows, chunksize=8)

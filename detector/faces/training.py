"""Training the face model: untouched faces against self-blended copies of themselves.

Every face gives pairs that share source, scene and delivery, so nothing but the blending tells
the classes apart. Held-out figures leave whole sources out.
"""

from __future__ import annotations

import multiprocessing
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import recompress
from assay.datasets.manifests import Row
from assay.detector.calibration import platt, trustworthy, worst_source_threshold
from assay.detector.evaluation.metrics import (
    SMALLEST_GROUP,
    auc,
    expected_calibration_error,
    rounded,
)
from assay.detector.faces.blending import self_blend
from assay.detector.faces.crops import SMALLEST_FACE, crop_face
from assay.detector.faces.features import FACE_FEATURE_VERSION, NAMES, extract
from assay.detector.faces.finding import Box
from assay.detector.faces.model import CLIP, DEFAULT_NAME, FaceModel, save
from assay.detector.faces.scoring import default_finder
from assay.errors import InputRefused
from assay.media import Media
from assay.version import __version__

Pixels = NDArray[np.uint8]
Matrix = NDArray[np.float64]
Progress = Callable[[Iterable[Any], int], Iterable[Any]]

PAIRS = 4
FOLDS = 6
MIN_SOURCES = 3
# Of 100, 1000 and 5000, left-out AUC was 0.696, 0.714 and 0.716.
RIDGE = 2000.0
_WORKING_FACE = 320  # pixels; larger faces are reduced first, so that one costs no second
_SMALLEST_SPREAD = 1e-3

CANNOT = (
    "It was trained and measured on self-blended pictures only; no forger's tool was used.",
    "It looks for traces of blending: a picture that was generated as a whole has none.",
    "It misses forgeries that were shrunk, compressed hard or retouched after blending.",
    "Retouched skin, make-up, masks, strong shadows and collages can look blended.",
    "A low score does not show that a face is genuine.",
)


@dataclass(frozen=True)
class FaceTable:
    """Measured faces.

    Attributes:
        rows: n manifest rows, one face each.
        features: float32, n x 2 PAIRS x d: untouched and self-blended in turn.
    """

    rows: tuple[Row, ...]
    features: NDArray[np.float32]

    @property
    def sources(self) -> NDArray[np.str_]:
        return np.array([row.source for row in self.rows])

    @property
    def blended(self) -> NDArray[np.bool_]:
        """Of each column of `features`."""
        return np.asarray(np.arange(self.features.shape[1]) % 2 == 1)


def measure(
    rows: Sequence[Row], *, workers: int = 1, seed: int = 0, progress: Progress | None = None
) -> FaceTable:
    """Find the largest face of every picture, blend it, measure both.

    Args:
        rows: pictures whose faces nobody changed. Generated portraits may be among them: they
            were not blended either.
        workers: processes.
        seed: of every random choice; each picture has its own stream.
        progress: wraps the iterator of results.

    Raises:
        InputRefused: fewer than three sources have a face of at least 64 px.
    """
    task = partial(measure_row, seed=seed)
    if workers > 1:
        with multiprocessing.get_context("spawn").Pool(workers) as pool:
            results = pool.imap(task, rows, chunksize=4)
            found = list(progress(results, len(rows)) if progress else results)
    else:
        found = list(progress(map(task, rows), len(rows)) if progress else map(task, rows))
    kept = [(row, item) for row, item in zip(rows, found, strict=True) if item is not None]
    if len({row.source for row, _ in kept}) < MIN_SOURCES:
        raise InputRefused(
            f"faces of at least {SMALLEST_FACE} px were found in {len(kept)} pictures of fewer "
            f"than {MIN_SOURCES} sources",
            advice="add portraits of other sources, and fill the manifest's column `source`",
        )
    return FaceTable(tuple(row for row, _ in kept), np.stack([item for _, item in kept]))


def measure_row(row: Row, *, seed: int) -> NDArray[np.float32] | None:
    """2 PAIRS x d features of the largest face of one picture, or None without a face."""
    try:
        media = Media.open(row.path, any_extension=True)
        pixels = media.pixels()
    except InputRefused:
        return None
    boxes = default_finder().find(pixels)
    if not boxes or boxes[0][2] - boxes[0][0] < SMALLEST_FACE:
        return None
    face, box = _working_copy(pixels, boxes[0])
    rng = np.random.default_rng([seed, zlib.crc32(media.data)])
    features = []
    for _ in range(PAIRS):
        blended, _ = self_blend(face, box, rng)
        delivery = int(rng.integers(2**31))
        for picture in (face, blended):
            delivered, scale = _deliver(picture, np.random.default_rng(delivery))
            moved = tuple(round(side * scale) for side in box)
            features.append(extract(crop_face(delivered, moved)))  # type: ignore[arg-type]
    return np.stack(features)


def train(
    table: FaceTable, out: str | Path, *, name: str = DEFAULT_NAME, version: str = "1"
) -> FaceModel:
    """Measure with whole sources left out, fit on everything, calibrate, write model and card.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    held_out = _held_out_scores(table)
    scores = held_out.ravel()
    blended = np.tile(table.blended, len(table.rows))
    sources = np.repeat(table.sources, table.features.shape[1])
    calibration = platt(scores, blended, np.ones(len(scores)))
    log_odds = calibration.slope * scores + calibration.intercept
    by_source = _auc_by_source(held_out, table)
    figure = float(np.mean([value for value, _ in by_source.values()]))
    threshold = worst_source_threshold(log_odds, blended, sources)
    mean, scale, weights, bias = _fit(table, np.ones(len(table.rows), bool))
    card = _card(table, by_source, figure, log_odds, blended, threshold, name, version)
    card["trustworthy"] = trustworthy(calibration, figure)
    model = FaceModel(
        mean=mean,
        scale=scale,
        weights=calibration.slope * weights,
        bias=calibration.slope * bias + calibration.intercept,
        threshold=float(threshold["log_odds"]),
        card=card,
    )
    save(model, out)
    return model


def _working_copy(pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """The surroundings of a face, one face wide on each side, and the box in it."""
    left, top, right, bottom = box
    width = right - left
    x, y = max(0, left - width), max(0, top - width)
    cut = np.ascontiguousarray(pixels[y : bottom + width, x : right + width])
    scale = min(1.0, _WORKING_FACE / width)
    if scale < 1:
        cut = _resize(cut, scale)
    left, top, right, bottom = (
        round(side * scale) for side in (left - x, top - y, right - x, bottom - y)
    )
    return cut, (left, top, right, bottom)


def _deliver(pixels: Pixels, rng: np.random.Generator) -> tuple[Pixels, float]:
    """A random further delivery, the same for both of a pair: reduced, then compressed."""
    scale = float(rng.uniform(0.5, 1.0)) if rng.random() < 0.5 else 1.0
    if scale < 1:
        pixels = _resize(pixels, scale)
    if rng.random() < 0.7:
        pixels = recompress("JPEG", int(rng.integers(50, 97)))(pixels, rng)
    return pixels, scale


def _resize(pixels: Pixels, scale: float) -> Pixels:
    reduced = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return np.asarray(reduced, np.uint8)


def _held_out_scores(table: FaceTable) -> Matrix:
    """Scores of every face by a model that saw no picture of its source; n x 2 PAIRS."""
    sizes = Counter(table.sources.tolist())
    order = sorted(sizes, key=lambda source: (-sizes[source], source))
    folds = min(FOLDS, len(order))
    fold = np.array([order.index(source) % folds for source in table.sources])
    scores = np.zeros(table.features.shape[:2])
    for number in range(folds):
        test = fold == number
        mean, scale, weights, bias = _fit(table, ~test)
        standardised = np.clip((table.features[test] - mean) / scale, -CLIP, CLIP)
        scores[test] = standardised @ weights + bias
    return scores


def _fit(table: FaceTable, chosen: NDArray[np.bool_]) -> tuple[Matrix, Matrix, Matrix, float]:
    """Ridge regression on labels -1/+1; sources weigh by the square root of their size."""
    features = table.features[chosen].reshape(-1, len(NAMES)).astype(np.float64)
    label = np.tile(np.where(table.blended, 1.0, -1.0), int(chosen.sum()))
    sizes = Counter(table.sources[chosen].tolist())
    weight = np.array([sizes[source] ** -0.5 for source in table.sources[chosen]])
    weight = np.repeat(weight / weight.mean(), table.features.shape[1])
    mean = np.average(features, axis=0, weights=weight)
    scale = np.sqrt(np.average((features - mean) ** 2, axis=0, weights=weight))
    scale += _SMALLEST_SPREAD
    standardised = np.clip((features - mean) / scale, -CLIP, CLIP)
    gram = (standardised * weight[:, None]).T @ standardised + RIDGE * np.eye(len(NAMES))
    weights: Matrix = np.linalg.solve(gram, standardised.T @ (weight * label))
    return mean, scale, weights, float(-np.average(standardised @ weights, weights=weight))


def _auc_by_source(scores: Matrix, table: FaceTable) -> dict[str, tuple[float, int]]:
    found = {}
    for source in np.unique(table.sources):
        mine = scores[table.sources == source]
        if len(mine) >= SMALLEST_GROUP:
            value = auc(mine[:, ~table.blended].ravel(), mine[:, table.blended].ravel())
            found[str(source)] = (value, len(mine))
    return found or {
        "all": (
            auc(scores[:, ~table.blended].ravel(), scores[:, table.blended].ravel()),
            len(scores),
        )
    }


def _card(
    table: FaceTable,
    by_source: dict[str, tuple[float, int]],
    figure: float,
    log_odds: Matrix,
    blended: NDArray[np.bool_],
    threshold: dict[str, Any],
    name: str,
    version: str,
) -> dict[str, Any]:
    licences = {row.source: row.licence or "not stated" for row in table.rows}
    counts = Counter((row.label, row.source) for row in table.rows)
    probability = 1 / (1 + np.exp(-log_odds))
    return rounded(  # type: ignore[no-any-return]
        {
            "schema": "assay.model-card/1",
            "name": name,
            "version": version,
            "software": f"assay {__version__}",
            "kind": "linear score of blending traces around a face",
            "licence": "Apache-2.0 (weights and card; the pictures are not distributed)",
            "feature_version": FACE_FEATURE_VERSION,
            "finder": default_finder().name,
            "ridge": RIDGE,
            "pairs_per_face": PAIRS,
            "source_out": {
                "protocol": "whole sources left out; untouched faces against self-blended copies "
                "of themselves in the same delivery, opacity 0.25 to 1",
                "macro_auc": figure,
                "ece": expected_calibration_error(probability, blended),
                "by_source": {
                    source: {"auc": value, "faces": size}
                    for source, (value, size) in by_source.items()
                },
            },
            "threshold": threshold,
            "data": {
                "faces": len(table.rows),
                "sources": [
                    {"label": label, "source": source, "faces": n, "licence": licences[source]}
                    for (label, source), n in sorted(counts.items())
                ],
            },
            "cannot": list(CANNOT),
        }
    )

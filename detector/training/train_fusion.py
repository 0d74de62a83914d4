"""How much each of several models counts, decided on scores of groups that none of them saw."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.evaluation.metrics import rounded
from assay.detector.fusion import KIND, Fusion
from assay.detector.labels import Labels
from assay.detector.loading import forget, load_model
from assay.detector.training.card import CANNOT
from assay.detector.training.folds import Fold
from assay.detector.training.held_out import (
    HeldOutScores,
    balanced,
    describe_held_out,
    hold_out_scores,
    operating_point,
)
from assay.detector.training.held_out_file import path_for, read_held_out, write_held_out
from assay.errors import ConfigurationError, InputRefused
from assay.files import atomic_path, write_atomically
from assay.version import __version__

Matrix = NDArray[np.float64]

FOLDS = 6
# Weak: it only keeps the weights finite where one part separates a fold by itself.
_RIDGE = 1e-2
_PASSES = 200


@dataclass(frozen=True)
class FusionTraining:
    """A finished fusion."""

    model: Fusion
    held_out: HeldOutScores
    card_path: Path


def train_fusion(
    cards: Sequence[str | Path],
    out: str | Path,
    *,
    name: str = "fusion-1",
    version: str = "1",
    folds: int = FOLDS,
) -> FusionTraining:
    """Weigh models by their held-out scores, calibrate the sum, and write a card beside theirs.

    Args:
        cards: model cards with `<name>.held-out.csv` beside them.
        out: folder for the fusion's card; cards and weights of the parts are copied there.
        name, version: as the card states them.
        folds: the weights of each fold come from other sources and generators.

    Raises:
        InputRefused: fewer than two models, no pictures in common, or a fusion that orders
            pictures no better than its best part.
        ConfigurationError: a card cannot be loaded.
        OutputRefused: the folder cannot be written.
    """
    paths = [Path(card) for card in cards]
    if len(paths) < 2:
        raise InputRefused("a fusion needs at least two models")
    rows, parts, contrast = _common(paths)
    labels = Labels(rows)

    def alone(column: int) -> HeldOutScores:
        return hold_out_scores(
            labels, contrast, lambda number, fold: parts[fold.test, column], folds=folds
        )

    def fit_and_score(number: int, fold: Fold) -> Matrix:
        del number
        return _apply(_weights(parts, labels, fold.train), parts[fold.test])

    held_out = hold_out_scores(labels, contrast, fit_and_score, folds=folds)
    single = {path.stem: alone(column).macro_auc for column, path in enumerate(paths)}
    best = max(single, key=lambda part: single[part])
    if held_out.macro_auc <= single[best]:
        raise InputRefused(
            f"the fusion's leave-out AUC is {held_out.macro_auc:.3f}, that of {best} alone is "
            f"{single[best]:.3f}: it does not help",
            advice=f"use {best} alone",
        )
    weights = _weights(parts, labels, np.arange(len(rows)))
    point = operating_point(held_out)
    card = rounded(
        {
            "schema": "assay.model-card/1",
            "name": name,
            "version": version,
            "software": f"assay {__version__}",
            "kind": KIND,
            "licence": "Apache-2.0 (weights and card; the pictures are not distributed)",
            "parts": [
                {"card": path.name, "weight": float(weight), "macro_auc_alone": single[path.stem]}
                for path, weight in zip(paths, weights, strict=True)
            ],
            "group_out": describe_held_out(held_out, point),
            **point.as_card(),
            "cannot": list(CANNOT),
        }
    )
    for path in paths:
        _copy(path, Path(out))
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    card_path = write_atomically(Path(out) / f"{name}.json", text)
    write_held_out(path_for(card_path), rows, held_out.scores, contrast)
    forget()
    model = load_model(card_path)
    if not isinstance(model, Fusion):
        raise ConfigurationError(f"{card_path}: is not a fusion")
    return FusionTraining(model, held_out, card_path)


def _common(paths: Sequence[Path]) -> tuple[tuple[Row, ...], Matrix, NDArray[np.float32]]:
    """The pictures that every model has a held-out score for, and the scores, n x models."""
    files = [read_held_out(path_for(path)) for path in paths]
    known = [{str(row.path): place for place, row in enumerate(file.rows)} for file in files]
    first = [
        place
        for place, row in enumerate(files[0].rows)
        if all(str(row.path) in places for places in known)
    ]
    if not first:
        raise InputRefused("the models have no held-out picture in common")
    rows = tuple(files[0].rows[place] for place in first)
    columns = [
        file.log_odds[[places[str(row.path)] for row in rows]]
        for file, places in zip(files, known, strict=True)
    ]
    return rows, np.stack(columns, 1), files[0].contrast[first]


def _weights(parts: Matrix, labels: Labels, index: NDArray[np.int64]) -> Matrix:
    """Logistic regression with weights of at least 0, by projected gradient descent.

    A negative weight would mean that a model is right when it is wrong.
    """
    values, generated = parts[index], labels.generated[index]
    share = balanced(generated, labels.groups[index])
    share = share / share.sum()
    weights = np.full(parts.shape[1], 1 / parts.shape[1])
    bias = 0.0
    step = 4 / (1 + float((share[:, None] * values**2).sum()))
    for _ in range(_PASSES):
        log_odds = np.clip(values @ weights + bias, -30, 30)
        error = share * (1 / (1 + np.exp(-log_odds)) - generated)
        weights = np.maximum(0.0, weights - step * (error @ values + _RIDGE * weights))
        bias -= step * float(error.sum())
    return weights


def _apply(weights: Matrix, parts: Matrix) -> Matrix:
    found: Matrix = parts @ weights
    return found


def _copy(card: Path, folder: Path) -> None:
    """Card and weights of a part, unless they are there already."""
    for source in (card, card.with_suffix(".npz"), card.with_suffix(".onnx")):
        target = folder / source.name
        if not source.exists() or (target.exists() and target.samefile(source)):
            continue
        with atomic_path(target) as temporary:
            shutil.copyfile(source, temporary)

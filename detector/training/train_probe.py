"""A logistic head on the frozen features of any backbone: the cheapest use of a large model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row, cap_per_group
from assay.detector.calibrated import FOREIGN_RENDITION
from assay.detector.evaluation.metrics import rounded
from assay.detector.hub.classifiers import Network, open_network
from assay.detector.labels import Labels
from assay.detector.neutralisation import neutralise
from assay.detector.probe import KIND, Head, ProbeModel, save
from assay.detector.probe import load as load_probe
from assay.detector.table import Refusal
from assay.detector.training.calibrating import contrast_of, picture_of
from assay.detector.training.card import data_section
from assay.detector.training.folds import Fold
from assay.detector.training.held_out import (
    HeldOutScores,
    balanced,
    describe_held_out,
    hold_out_scores,
    operating_point,
)
from assay.errors import InputRefused
from assay.version import __version__

FOLDS = 5
# Inverse strengths of the L2 penalty that are tried; the best group-out macro AUC wins.
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
_SMALLEST_SPREAD = 1e-6
Progress = Callable[[Iterable[Row], int], Iterable[Row]]


@dataclass(frozen=True)
class ProbeTraining:
    """A finished probe."""

    model: ProbeModel
    held_out: HeldOutScores
    card_path: Path


def train_probe(
    rows: Sequence[Row],
    backbone: str,
    out: str | Path,
    *,
    name: str = "probe-1",
    version: str = "1",
    most_per_group: int = 120,
    folds: int = FOLDS,
    download: bool = False,
    progress: Progress | None = None,
) -> ProbeTraining:
    """Measure features, choose the penalty group-out, fit on everything, calibrate, write.

    Args:
        rows: the corpus.
        backbone: `hf:...` or `timm:...`; see `hub.references.parse`.
        out: folder for the head and its card.
        name, version: as the card states them.
        most_per_group: pictures used of each source and generator.
        folds: group-out folds.
        download: fetch a hub model that is not on this machine yet.
        progress: wraps the iterator over pictures.

    Raises:
        InputRefused: no picture can be read, or too few groups to hold any out.
        ConfigurationError: the backbone cannot be loaded.
        MissingExtra: its library is not installed.
        OutputRefused: the folder cannot be written.
    """
    network, record = open_network(backbone, backbone=True, download=download)
    kept = cap_per_group(rows, most_per_group)
    corpus = _measure(progress(kept, len(kept)) if progress else kept, network)
    labels = Labels(corpus.rows)
    tried = {strength: _hold_out(corpus, labels, strength, folds) for strength in STRENGTHS}
    strength = max(tried, key=lambda c: tried[c].macro_auc)
    held_out = tried[strength]
    point = operating_point(held_out)
    head = fit_head(corpus.features, labels, np.arange(len(corpus.rows)), strength)
    card = rounded(
        {
            "schema": "assay.model-card/1",
            "name": name,
            "version": version,
            "software": f"assay {__version__}",
            "kind": KIND,
            "licence": "Apache-2.0 (head and card); the backbone has a licence of its own",
            "backbone": record.as_dict(),
            "rendition": FOREIGN_RENDITION.as_dict(),
            "recipe": {"strength": strength, "features": corpus.features.shape[1]},
            "recipes_tried": [
                {"strength": other, "macro_auc": held.macro_auc} for other, held in tried.items()
            ],
            "group_out": describe_held_out(held_out, point),
            **point.as_card(),
            "data": data_section(corpus.rows, ["whole picture"], len(corpus.refused)),
        }
    )
    path = save(head, card, out)
    return ProbeTraining(load_probe(path), held_out, path)


@dataclass(frozen=True)
class _Corpus:
    rows: tuple[Row, ...]
    features: NDArray[np.float32]
    contrast: NDArray[np.float32]
    refused: tuple[Refusal, ...]


def _measure(rows: Iterable[Row], network: Network) -> _Corpus:
    kept: list[Row] = []
    features, contrast, refused = [], [], []
    for row in rows:
        try:
            pixels = picture_of(row)
        except InputRefused as refusal:
            refused.append(Refusal(row, refusal.message))
            continue
        kept.append(row)
        features.append(network.features(neutralise(pixels, FOREIGN_RENDITION)))
        contrast.append(contrast_of(pixels))
    if not kept:
        raise InputRefused(f"no picture could be measured: {refused[0].why if refused else ''}")
    return _Corpus(tuple(kept), np.stack(features), np.array(contrast, np.float32), tuple(refused))


def _hold_out(corpus: _Corpus, labels: Labels, strength: float, folds: int) -> HeldOutScores:
    def fit_and_score(number: int, fold: Fold) -> NDArray[np.float64]:
        del number
        head = fit_head(corpus.features, labels, fold.train, strength)
        return head.scores(corpus.features[fold.test])

    return hold_out_scores(labels, corpus.contrast, fit_and_score, folds=folds)


def fit_head(
    features: NDArray[np.float32], labels: Labels, index: NDArray[np.int64], strength: float
) -> Head:
    """Logistic regression on standardised features, classes and groups balanced."""
    from sklearn.linear_model import LogisticRegression

    mine = features[index].astype(np.float64)
    generated = labels.generated[index]
    weight = balanced(generated, labels.groups[index])
    mean = np.average(mine, axis=0, weights=weight)
    scale = np.sqrt(np.average((mine - mean) ** 2, axis=0, weights=weight)) + _SMALLEST_SPREAD
    fitted: Any = LogisticRegression(C=strength, max_iter=500)
    fitted.fit((mine - mean) / scale, generated, sample_weight=weight)
    return Head(mean, scale, fitted.coef_[0], float(fitted.intercept_[0]))

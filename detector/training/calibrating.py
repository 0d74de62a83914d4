"""Calibrating a foreign model: what its scores are worth on a corpus of one's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.calibrated import FOREIGN_RENDITION, SCHEMA, ForeignModel
from assay.detector.calibration import platt
from assay.detector.evaluation.metrics import expected_calibration_error, rounded
from assay.detector.labels import Labels
from assay.detector.neutralisation import neutralise
from assay.detector.table import MIN_LONG_SIDE, STATISTICS, Refusal, statistics_of
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
from assay.media import Media
from assay.version import __version__

FOLDS = 5
Progress = Callable[[Iterable[Row], int], Iterable[Row]]


def calibrate(
    rows: Sequence[Row],
    model: ForeignModel,
    *,
    folds: int = FOLDS,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Fit a calibration and set thresholds for a foreign model.

    The model was trained elsewhere, so nobody knows which of these pictures it has seen; the
    document says so. What is held out here is the calibration: each fold's probabilities come
    from a fit on other sources and other generators.

    Args:
        rows: labelled pictures of several sources and generators.
        model: a loaded foreign model.
        folds: group-out folds.
        progress: wraps the iterator over pictures.

    Returns:
        The calibration document, for `calibrated.write_calibration`.

    Raises:
        InputRefused: no picture can be read, too few groups to hold any out, or the scores do
            not rise where pictures are generated.
    """
    scored: list[tuple[Row, float, float]] = []
    refused: list[Refusal] = []
    for row in progress(rows, len(rows)) if progress else rows:
        try:
            pixels = picture_of(row)
        except InputRefused as refusal:
            refused.append(Refusal(row, refusal.message))
            continue
        scored.append((row, model.raw(pixels), contrast_of(pixels)))
    if not scored:
        raise InputRefused(f"no picture could be scored: {refused[0].why if refused else ''}")
    labels = Labels([row for row, _, _ in scored])
    raw = np.array([value for _, value, _ in scored])
    if not np.isfinite(raw).all():
        raise InputRefused("the model gives scores that are no finite numbers")
    contrast = np.array([value for _, _, value in scored], np.float32)
    held_out = hold_out_scores(labels, contrast, lambda number, fold: raw[fold.test], folds=folds)
    point = operating_point(held_out, require_slope=True)
    figures = describe_held_out(held_out, point) | {"ece": _held_out_ece(held_out, raw)}
    return rounded(  # type: ignore[no-any-return]
        {
            "schema": SCHEMA,
            "name": model.name,
            "version": model.version,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "software": f"assay {__version__}",
            "model": model.record.as_dict(),
            "generated_labels": list(model.chosen)
            or [model.network.labels[index] for index in model.generated],
            "labels": list(model.network.labels),
            "rendition": FOREIGN_RENDITION.as_dict(),
            **point.as_card(),
            "group_out": figures,
            "note": "the model was trained elsewhere and may have seen pictures of this corpus",
            "data": data_section(labels.rows, ["whole picture"], len(refused)),
        }
    )


def picture_of(row: Row) -> NDArray[np.uint8]:
    """The pixels of a row.

    Raises:
        InputRefused: unreadable, or too short for the field of view of the others.
    """
    media = Media.open(row.path, any_extension=True)
    if max(media.width, media.height) < MIN_LONG_SIDE:
        raise InputRefused(f"long side under {MIN_LONG_SIDE} px")
    return media.pixels()


def contrast_of(pixels: NDArray[np.uint8]) -> float:
    """Contrast of the standard rendition, grey levels."""
    return float(statistics_of(neutralise(pixels))[STATISTICS.index("contrast")])


def _held_out_ece(held_out: HeldOutScores, raw: NDArray[np.float64]) -> float:
    """Calibration error of probabilities that were fitted on other sources and generators."""
    labels = held_out.labels
    generated, groups = labels.generated, labels.groups
    probability = np.full(len(raw), np.nan)
    for fold in held_out.folds:
        probability[fold.test] = _probabilities(fold, raw, generated, groups)
    seen = np.isfinite(probability)
    return expected_calibration_error(probability[seen], generated[seen])


def _probabilities(
    fold: Fold,
    raw: NDArray[np.float64],
    generated: NDArray[np.bool_],
    groups: NDArray[np.str_],
) -> NDArray[np.float64]:
    train = fold.train
    fitted = platt(raw[train], generated[train], balanced(generated[train], groups[train]))
    log_odds = fitted.slope * raw[fold.test] + fitted.intercept
    found: NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(log_odds, -30, 30)))
    return found

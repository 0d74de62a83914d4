"""From a manifest to a calibrated ONNX network and its card."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row, cap_per_group
from assay.detector.evaluation.metrics import auc, rounded
from assay.detector.labels import Labels
from assay.detector.neutralisation import STANDARD
from assay.detector.onnx_model import KIND, OnnxModel, load
from assay.detector.table import STATISTICS, Refusal, statistics_of
from assay.detector.training.card import CANNOT, data_section
from assay.detector.training.export import (
    MOST_AUC_LOST,
    Exported,
    export,
    quantise,
    score_exported,
)
from assay.detector.training.folds import Fold
from assay.detector.training.held_out import (
    HeldOutScores,
    OperatingPoint,
    describe_held_out,
    hold_out_scores,
    operating_point,
)
from assay.detector.training.held_out_file import path_for, write_held_out
from assay.detector.training.renditions import Rendered, render
from assay.detector.training.vit import VitRecipe, fit_vit, score_pictures
from assay.detector.weights_file import save_weights
from assay.version import __version__

DEFAULT_NAME = "vit-1"
FOLDS = 3
# Pictures on which the exported file is compared with the network.
_COMPARED = 64

Bar = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True)
class VitTraining:
    """A finished training run."""

    model: OnnxModel
    held_out: HeldOutScores
    pictures: tuple[Rendered, ...]
    card_path: Path


@dataclass(frozen=True)
class Plan:
    """What `train_vit` does beside fitting.

    Attributes:
        deliveries: random renditions of each picture, beside the standard one.
        most_per_group: pictures used of each source and generator.
        folds: group-out folds; each is a training of its own.
        workers: processes that render.
        device: as PyTorch names it.
        resume: go on from checkpoints in `<out>/work`.
    """

    deliveries: int = 4
    most_per_group: int = 120
    folds: int = FOLDS
    workers: int = 1
    device: str = "cpu"
    resume: bool = False


def train_vit(
    rows: Sequence[Row],
    out: str | Path,
    recipe: VitRecipe,
    plan: Plan,
    *,
    extra: Sequence[Row] = (),
    name: str = DEFAULT_NAME,
    version: str = "1",
    progress: Bar | None = None,
) -> VitTraining:
    """Render, hold out, fit on everything, export, calibrate, and write model and card.

    Args:
        rows: the corpus.
        out: folder for the model; `<out>/work` keeps renditions, checkpoints and logs.
        recipe: how one network is fitted.
        plan: the rest.
        extra: reconstructions by `assay train synthesisers`; they train and never test.
        name, version: as the card states them.
        progress: wraps iterators: (items, how many, description).

    Raises:
        InputRefused: too few sources or generators to hold any out, or nothing to render.
        OutputRefused: the folder cannot be written.
        ConfigurationError, MissingExtra: the device or a package is not there.
    """
    out = Path(out)
    work = out / "work"
    wrap: Bar = progress or (lambda items, total, what: items)
    kept = [*cap_per_group(rows, plan.most_per_group), *extra]
    pictures, refused = render(
        kept,
        work / "renditions",
        deliveries=plan.deliveries,
        workers=plan.workers,
        seed=recipe.seed,
        progress=lambda items, total: wrap(items, total, "Rendering"),
    )
    labels = Labels([picture.row for picture in pictures])
    contrast = _contrast(pictures)

    def fit(chosen: Sequence[Rendered], folder: Path, what: str) -> Any:
        return fit_vit(
            chosen,
            recipe,
            folder,
            device=plan.device,
            resume=plan.resume,
            progress=lambda steps, total: wrap(steps, total, what),
        )

    def fit_and_score(number: int, fold: Fold) -> NDArray[np.float64]:
        what = f"Fold {number + 1} of {plan.folds}"
        network = fit([pictures[i] for i in fold.train], work / f"fold-{number + 1}", what)
        return score_pictures(network, [pictures[i] for i in fold.test], device=plan.device)

    held_out = hold_out_scores(labels, contrast, fit_and_score, folds=plan.folds, seed=recipe.seed)
    point = operating_point(held_out)
    network = fit(pictures, work / "all", "Final fit")
    exported, precision_note = _best_precision(network, pictures)
    card = _card(recipe, plan, held_out, point, pictures, refused, name=name, version=version)
    card["export"] = precision_note
    card_path = save_weights(card, exported.data, ".onnx", out)
    fitted = point.calibration
    log_odds = fitted.slope * held_out.scores + fitted.intercept
    write_held_out(path_for(card_path), labels.rows, log_odds, contrast)
    return VitTraining(load(card_path), held_out, tuple(pictures), card_path)


def _contrast(pictures: Sequence[Rendered]) -> NDArray[np.float32]:
    column = STATISTICS.index("contrast")
    return np.array([statistics_of(picture.view(0))[column] for picture in pictures], np.float32)


def _best_precision(network: Any, pictures: Sequence[Rendered]) -> tuple[Exported, dict[str, Any]]:
    """int8 where it orders the classes as fp32 does, else fp32; and what was measured."""
    step = max(1, len(pictures) // _COMPARED)
    some = pictures[::step]
    generated = np.array([picture.row.generated for picture in some])
    full = export(network, some[:4])
    small = quantise(full, network, some[:4])
    found = {}
    for candidate in (full, small):
        scores = score_exported(candidate, some)
        order = auc(scores[~generated], scores[generated])
        found[candidate.precision] = {
            "bytes": len(candidate.data),
            "auc_on_sample": order,
            "worst_logit_difference": candidate.worst_difference,
        }
    lost = found["fp32"]["auc_on_sample"] - found["int8"]["auc_on_sample"]
    chosen = small if abs(lost) <= MOST_AUC_LOST else full
    return chosen, rounded(
        {"precision": chosen.precision, "pictures_compared": len(some), "candidates": found}
    )


def _card(
    recipe: VitRecipe,
    plan: Plan,
    held_out: HeldOutScores,
    point: OperatingPoint,
    pictures: Sequence[Rendered],
    refused: Sequence[Refusal],
    *,
    name: str,
    version: str,
) -> dict[str, Any]:
    rows = [picture.row for picture in pictures]
    views = ["standard", *(f"delivery-{k + 1}" for k in range(plan.deliveries))]
    return rounded(  # type: ignore[no-any-return]
        {
            "schema": "assay.model-card/1",
            "name": name,
            "version": version,
            "software": f"assay {__version__}",
            "kind": KIND,
            "licence": "Apache-2.0 (weights and card; the pictures are not distributed)",
            "rendition": STANDARD.as_dict(),
            "input": "the corners and the centre, 256 x 256 px each; logits are averaged",
            "recipe": recipe.as_dict(),
            "group_out": describe_held_out(held_out, point),
            **point.as_card(),
            "data": data_section(rows, views, len(refused)),
            "cannot": list(CANNOT),
        }
    )

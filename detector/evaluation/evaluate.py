"""All figures of one evaluation, JSON-ready."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.evaluation import confounds
from assay.detector.evaluation.measuring import Measurements
from assay.detector.evaluation.metrics import (
    SMALLEST_GROUP,
    auc,
    auc_by_group,
    bootstrap_interval,
    expected_calibration_error,
    macro,
    rate_above,
    rounded,
    stratified_auc,
    tpr_at_worst_source,
)
from assay.detector.evaluation.training_overlap import training_overlap
from assay.detector.models import DetectorModel
from assay.detector.table import STATISTICS
from assay.errors import InputRefused

SCHEMA = "assay.detector-evaluation/1"


def evaluate(measured: Measurements, model: DetectorModel) -> dict[str, Any]:
    """Every figure, with its confound probes beside it.

    Raises:
        InputRefused: the corpus lacks one of the two classes.
    """
    table = measured.table
    generated = table.generated
    if generated.all() or not generated.any():
        raise InputRefused("an evaluation needs real and generated pictures")
    return rounded(  # type: ignore[no-any-return]
        {
            "schema": SCHEMA,
            "model": {
                "name": model.name,
                "version": model.version,
                "weights_sha256": model.card.get("weights_sha256")
                or model.card.get("model", {}).get("weights_sha256"),
                "objection": model.objection,
            },
            "pictures": {
                "real": int((~generated).sum()),
                "generated": int(generated.sum()),
                "refused": [
                    {"path": item.row.path.name, "why": item.why} for item in table.refused
                ],
            },
            "training_overlap": training_overlap(table.rows, model),
            "conditions": {
                name: _condition(measured, column)
                for column, name in enumerate(measured.conditions)
            },
            "by_generator_family": _by_group(measured, table.families, of_real=False),
            "by_real_source": _by_source(measured),
            "family_by_source_auc": _matrix(measured),
            "confounds": {
                "metadata_only_auc": confounds.metadata_only(table),
                "single_statistics_macro_auc": confounds.single_statistics(table),
                "statistics_together_auc": confounds.statistics_together(table),
                "real_versus_real_auc": confounds.real_versus_real(table),
            },
        }
    )


def _condition(measured: Measurements, column: int) -> dict[str, Any]:
    table = measured.table
    generated, families, sources = table.generated, table.families, table.sources
    scores, claimed = measured.log_odds[:, column], measured.claimed[:, column]
    contrast = table.statistics[:, STATISTICS.index("contrast")]

    def macro_of(index: NDArray[np.int64]) -> float:
        return macro(auc_by_group(scores[index], generated[index], families[index]))

    probability = 1 / (1 + np.exp(-scores))
    claims = {
        str(source): rate_above(claimed[~generated & (sources == source)].astype(float), 0.5)
        for source in np.unique(sources[~generated])
        if (~generated & (sources == source)).sum() >= SMALLEST_GROUP
    }
    return {
        "macro_auc": macro_of(np.arange(len(scores))),
        "macro_auc_interval": list(bootstrap_interval(macro_of, table.groups, draws=100)),
        "pooled_auc": auc(scores[~generated], scores[generated]),
        "within_contrast_strata": stratified_auc(scores, generated, contrast),
        "tpr_at_worst_source_fpr_0.01": tpr_at_worst_source(scores, generated, sources, 0.01),
        "tpr_at_worst_source_fpr_0.05": tpr_at_worst_source(scores, generated, sources, 0.05),
        "ece": expected_calibration_error(probability, generated),
        "likely_generated": {
            "tpr": float(claimed[generated].mean()),
            "fpr": float(claimed[~generated].mean()),
            "worst_source_fpr": max(claims.values(), default=float("nan")),
        },
        "abstention": float((~claimed).mean()),
    }


def _by_group(
    measured: Measurements, groups: NDArray[np.str_], *, of_real: bool
) -> dict[str, dict[str, float]]:
    found = auc_by_group(measured.log_odds[:, 0], measured.table.generated, groups, of_real=of_real)
    return {
        name: {"auc": value, "pictures": size}
        for name, (value, size) in sorted(found.items(), key=lambda item: item[1][0])
    }


def _by_source(measured: Measurements) -> dict[str, dict[str, float]]:
    table = measured.table
    found = _by_group(measured, table.sources, of_real=True)
    for source, figures in found.items():
        mine = ~table.generated & (table.sources == source)
        figures["likely_generated_fpr"] = float(measured.claimed[mine, 0].mean())
    return found


def _matrix(measured: Measurements) -> dict[str, dict[str, float]]:
    """AUC of each generator family against each real source, both of at least five pictures."""
    table, scores = measured.table, measured.log_odds[:, 0]
    large: dict[bool, list[str]] = {}
    for side, names in ((True, table.families), (False, table.sources)):
        values, sizes = np.unique(names[table.generated == side], return_counts=True)
        large[side] = [str(name) for name in values[sizes >= SMALLEST_GROUP]]
    return {
        family: {
            source: auc(
                scores[~table.generated & (table.sources == source)],
                scores[table.generated & (table.families == family)],
            )
            for source in large[False]
        }
        for family in large[True]
    }

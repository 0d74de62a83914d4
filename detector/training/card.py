"""The model card: what the model was trained on, what it reached, and what it cannot do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.datasets.manifests import Row
from assay.detector.calibration import Calibration
from assay.detector.evaluation import confounds
from assay.detector.evaluation.metrics import (
    expected_calibration_error,
    rounded,
)
from assay.detector.features import FEATURE_VERSION
from assay.detector.features.spectrum import NAMES as SPECTRUM_NAMES
from assay.detector.linear import KIND
from assay.detector.neutralisation import STANDARD
from assay.detector.table import Table
from assay.detector.training.held_out import (
    PROTOCOL,
    figures_of,
    macro_interval,
    same_source_pairs,
)
from assay.detector.training.selection import HeldOut
from assay.version import __version__

CANNOT = (
    "It cannot say that a picture is a photograph; a low score is no evidence of a camera.",
    "It judges whole pictures; local edits, in-painting and face swaps are out of its scope.",
    "It knows the generators of its training set; later ones may be missed, and often are.",
    "Drawings, scans, screenshots and charts are outside its domain.",
    "Someone who wants to fool it can: it has no defence against adversarial noise.",
    "It was trained on still pictures with a long side of at least 400 px.",
)


def describe(
    table: Table,
    held_out: HeldOut,
    tried: Sequence[HeldOut],
    calibration: Calibration,
    threshold: dict[str, Any],
    seen: NDArray[np.bool_],
    *,
    name: str,
    version: str,
) -> dict[str, Any]:
    """Everything the card states, JSON-ready, without weights' checksum and trust."""
    scores, generated = held_out.mean_scores[seen], table.generated[seen]
    log_odds = calibration.slope * scores + calibration.intercept
    probability = 1 / (1 + np.exp(-log_odds))
    return rounded(  # type: ignore[no-any-return]
        {
            "schema": "assay.model-card/1",
            "name": name,
            "version": version,
            "software": f"assay {__version__}",
            "kind": KIND,
            "licence": "Apache-2.0 (weights and card; the pictures are not distributed)",
            "feature_version": FEATURE_VERSION,
            "rendition": STANDARD.as_dict(),
            "recipe": held_out.recipe.as_dict(),
            "group_out": {
                "protocol": PROTOCOL,
                "macro_auc": held_out.macro_auc,
                "macro_auc_interval": macro_interval(held_out.by_family),
                "within_contrast_strata": held_out.within_contrast,
                "ece": expected_calibration_error(probability, generated),
                "same_source_pairs": same_source_pairs(log_odds, generated, table.sources[seen]),
                "by_generator_family": figures_of(held_out.by_family),
                "by_real_source": figures_of(held_out.by_source),
            },
            "calibration": {"slope": calibration.slope, "intercept": calibration.intercept},
            "threshold": threshold,
            "confounds": {
                "note": "what is reached without looking for generation",
                "metadata_only_auc": confounds.metadata_only(table),
                "single_statistics_macro_auc": confounds.single_statistics(table),
                "statistics_together_auc": confounds.statistics_together(table),
                "real_versus_real_auc": confounds.real_versus_real(table),
            },
            "recipes_tried": [
                {
                    **other.recipe.as_dict(),
                    "macro_auc": other.macro_auc,
                    "within_contrast_strata": other.within_contrast,
                }
                for other in tried
            ],
            "data": data_section(table.rows, table.views, len(table.refused)),
            "real_spectrum_band": _spectrum_band(table),
            "cannot": list(CANNOT),
        }
    )


def data_section(rows: Sequence[Row], views: Sequence[str], refused: int) -> dict[str, Any]:
    """What a model was trained on: counts, renditions, and each source with its licence."""
    licences = {row.source: row.licence or "not stated" for row in rows}
    counts = Counter((row.label, row.source) for row in rows)
    return {
        "pictures": len(rows),
        "real": sum(not row.generated for row in rows),
        "generated": sum(row.generated for row in rows),
        "refused": refused,
        "renditions": list(views),
        "sources": [
            {"label": label, "source": source, "pictures": count, "licence": licences[source]}
            for (label, source), count in sorted(counts.items())
        ],
    }


def _spectrum_band(table: Table) -> list[list[float]]:
    """5th and 95th percentile of the radial spectrum of real pictures, standard rendition."""
    radial = sum(name.startswith("radial") for name in SPECTRUM_NAMES)
    profiles = table.features[~table.generated, 0, :radial]
    band: list[list[float]] = np.percentile(profiles, [5, 95], axis=0).tolist()
    return band

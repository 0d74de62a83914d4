"""`assay calibrate`: what the scores of somebody else's model are worth here."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json, print_line, track
from assay.cli.training_options import Folds, MostPerGroup


def calibrate(
    corpus: Annotated[
        Path,
        typer.Argument(help="Manifest CSV of labelled pictures, or a folder as `assay evaluate`."),
    ],
    model: Annotated[
        str,
        typer.Option(
            help="hf:ORG/NAME[@REVISION], timm:hf_hub:ORG/NAME[@REVISION], hf:FOLDER, timm:FOLDER "
            "or an ONNX file. A hub model that is not here yet is fetched."
        ),
    ],
    generated_label: Annotated[
        list[str] | None,
        typer.Option(help="Output that means 'generated', by name or number (repeatable)."),
    ] = None,
    folds: Folds = 5,
    most_per_group: MostPerGroup = 120,
    as_json: AsJson = False,
) -> None:
    """Calibrate a model that was trained elsewhere; until then it may decide nothing.

    Probabilities and thresholds are set on pictures whose source and generator are left out,
    and kept under the home for exactly these weights. Scores that do not rise where pictures
    are generated are refused.
    """
    from assay.datasets.layouts import read_folder
    from assay.datasets.manifests import cap_per_group, read_manifest
    from assay.detector.calibrated import load_foreign, write_calibration
    from assay.detector.loading import forget
    from assay.detector.training.calibrating import calibrate as fit

    rows = read_folder(corpus) if corpus.is_dir() else read_manifest(corpus)
    document = fit(
        cap_per_group(rows, most_per_group),
        load_foreign(model, tuple(generated_label or ()), download=True),
        folds=folds,
        progress=lambda items, total: track(items, "Scoring", total=total),
    )
    path = write_calibration(document)
    forget()
    if as_json:
        print_json(document | {"path": str(path)})
        return
    figures, threshold = document["group_out"], document["threshold"]
    for line in (
        str(path),
        f"generated means       {', '.join(document['generated_labels'])}",
        f"group-out AUC         {figures['macro_auc']}",
        f"calibration error     {figures['ece']}",
        f"likely-generated      recall {threshold['tpr']} at {threshold['overall_fpr']} false "
        f"positives (worst source {threshold['worst_source_fpr']})",
        f"usable                {'yes' if document['trustworthy'] else 'no: abstains'}",
    ):
        print_line(line)

"""`assay evaluate`: how a detector does, by generator, by source and under laundering."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json, track
from assay.cli.models_extra import require_models_extra


def evaluate(
    corpus: Annotated[
        Path,
        typer.Argument(
            help="Manifest CSV, or a folder laid out as GenImage, ForenSynths, Chameleon, WildRF, "
            "Community Forensics or DeepfakeBench."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the HTML and JSON report.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Another model: a card, an ONNX file, hf:..., timm:...; a hub model that is not "
            "here yet is fetched. Default: the one of the settings, else the shipped one."
        ),
    ] = None,
    condition: Annotated[
        list[str] | None,
        typer.Option(help="Measure only this condition (repeatable); default: all."),
    ] = None,
    most_per_group: Annotated[
        int | None, typer.Option(min=1, help="Pictures used of each source and generator.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Measure a detector on labelled pictures, with confound probes beside every figure."""
    require_models_extra("a confound probe", "sklearn")
    from assay.datasets.layouts import read_folder
    from assay.datasets.manifests import cap_per_group, read_manifest
    from assay.detector.evaluation.conditions import CONDITIONS, named_conditions
    from assay.detector.evaluation.evaluate import evaluate as figures_of
    from assay.detector.evaluation.measuring import measure
    from assay.detector.evaluation.report import write_report
    from assay.detector.loading import load_model

    conditions = named_conditions(condition or CONDITIONS)
    rows = read_folder(corpus) if corpus.is_dir() else read_manifest(corpus)
    chosen = load_model(model, download=model is not None)
    measured = measure(
        cap_per_group(rows, most_per_group) if most_per_group else rows,
        chosen,
        conditions=conditions,
        workers=workers,
        progress=lambda results, total: track(results, "Scoring", total=total),
    )
    document = figures_of(measured, chosen)
    page, _ = write_report(measured, document, out)
    if as_json:
        print_json(document)
        return
    typer.echo(f"{'condition':<16}{'macro AUC':>10}{'in strata':>10}{'claims':>10}{'false':>10}")
    for name, figures in document["conditions"].items():
        claims = figures["likely_generated"]
        cells = (
            figures["macro_auc"],
            figures["within_contrast_strata"],
            claims["tpr"],
            claims["fpr"],
        )
        shown = "".join(f"{'-' if cell is None else format(cell, '.3f'):>10}" for cell in cells)
        typer.echo(f"{name:<16}{shown}")
    refused = document["pictures"]["refused"]
    if refused:
        typer.echo(f"refused: {len(refused)}, first {refused[0]['path']}: {refused[0]['why']}")
    typer.echo(document["training_overlap"]["summary"])
    typer.echo(str(page))

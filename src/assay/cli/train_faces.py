"""`assay train faces`: a model of blending traces from portraits that nobody changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json, track
from assay.cli.training_options import MostPerGroup, Name, Out, Seed, Version


def faces(
    manifest: Annotated[
        Path,
        typer.Argument(help="CSV with path,label,source[,licence]; no face in it was blended."),
    ],
    out: Out,
    name: Name = "faces-1",
    version: Version = "1",
    most_per_group: MostPerGroup = 300,
    workers: Annotated[int, typer.Option(min=1, help="Processes that measure faces.")] = 1,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train the face-forgery model on self-blended copies of untouched faces.

    Figures, calibration and threshold come from sources that were left out.
    """
    from assay.datasets.manifests import cap_per_group, read_manifest
    from assay.detector.faces.training import measure, train

    table = measure(
        cap_per_group(read_manifest(manifest), most_per_group),
        workers=workers,
        seed=seed,
        progress=lambda results, total: track(results, "Measuring faces", total=total),
    )
    card = train(table, out, name=name, version=version).card
    if as_json:
        print_json(card)
        return
    figures, threshold = card["source_out"], card["threshold"]
    typer.echo(
        f"{out / name}.json\n"
        f"faces                  {card['data']['faces']:,}\n"
        f"leave-source-out AUC   {figures['macro_auc']:.3f} (self-blended faces)\n"
        f"calibration error      {figures['ece']:.3f}\n"
        f"face-forgery-suspected recall {threshold['tpr']:.3f} at "
        f"{threshold['overall_fpr']:.4f} false positives "
        f"(worst source {threshold['worst_source_fpr']:.4f})\n"
        f"usable                 {'yes' if card['trustworthy'] else 'no: abstains'}"
    )

"""`assay train`: from a manifest of labelled pictures to a calibrated detector and its card.

`assay train MANIFEST` is short for `assay train frequency MANIFEST`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json, track
from assay.cli.default_command import DefaultCommand
from assay.cli.models_extra import require_models_extra
from assay.cli.train_faces import faces
from assay.cli.train_networks import fusion, probe, synthesisers, vit
from assay.cli.training_options import Deliveries, Manifest, MostPerGroup, Name, Out, Seed, Version


class _FrequencyFirst(DefaultCommand):
    """Lets `assay train MANIFEST` stand for `assay train frequency MANIFEST`."""

    default = "frequency"


app = typer.Typer(
    cls=_FrequencyFirst, help="Train detectors; `assay train MANIFEST` trains the frequency one."
)


@app.command("frequency")
def frequency(
    manifest: Manifest,
    out: Out,
    name: Name = "frequency-1",
    version: Version = "1",
    deliveries: Deliveries = 3,
    most_per_group: MostPerGroup = 120,
    workers: Annotated[int, typer.Option(min=1, help="Processes that measure features.")] = 1,
    seed: Seed = 0,
    table: Annotated[
        Path | None,
        typer.Option(help="Keep the measured features in this file, or reuse them from it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train the frequency-artifact detector.

    The recipe is chosen, the probabilities are calibrated and the threshold is set on pictures
    whose source and generator were both left out.
    """
    require_models_extra("training", "sklearn")
    from assay.datasets.manifests import read_manifest
    from assay.detector.training.corpus import load_table, save_table
    from assay.detector.training.train import measure
    from assay.detector.training.train import train as fit

    if table and table.exists():
        measured = load_table(table)
    else:
        measured = measure(
            read_manifest(manifest),
            deliveries=deliveries,
            most_per_group=most_per_group,
            workers=workers,
            seed=seed,
            progress=lambda results, total: track(results, "Measuring features", total=total),
        )
        if table:
            save_table(measured, table)
    training = fit(measured, out, name=name, version=version)
    card = training.model.card
    if as_json:
        print_json(card)
        return
    figures, threshold = card["group_out"], card["threshold"]
    typer.echo(
        f"{training.card_path}\n"
        f"pictures                         {card['data']['pictures']:,} measured, "
        f"{card['data']['refused']:,} refused\n"
        f"leave-generator x source-out AUC {figures['macro_auc']:.3f} "
        f"({figures['macro_auc_interval'][0]:.3f} to {figures['macro_auc_interval'][1]:.3f})\n"
        f"within contrast strata           {figures['within_contrast_strata']:.3f}\n"
        f"calibration error                {figures['ece']:.3f}\n"
        f"likely-generated                 recall {threshold['tpr']:.3f} at "
        f"{threshold['overall_fpr']:.4f} false positives "
        f"(worst source {threshold['worst_source_fpr']:.4f})\n"
        f"usable                           {'yes' if card['trustworthy'] else 'no: abstains'}"
    )


app.command("vit")(vit)
app.command("synthesisers")(synthesisers)
app.command("probe")(probe)
app.command("fusion")(fusion)
app.command("faces")(faces)

"""`assay train`: from a manifest of labelled pictures to a calibrated detector and its card.

`assay train MANIFEST` is short for `assay train frequency MANIFEST`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer.core import TyperGroup

from assay.cli.console import AsJson, print_error, print_json, track
from assay.cli.train_faces import faces
from assay.cli.train_networks import fusion, probe, synthesisers, vit
from assay.errors import AssayError, MissingExtra

_DEFAULT = "frequency"


class _WithDefault(TyperGroup):
    """A group in which a first word that names no command belongs to the default one."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if args and args[0] not in self.commands and args[0] != "--help":
            args = [_DEFAULT, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_WithDefault, help="Train detectors; `assay train MANIFEST` trains the frequency one."
)


@app.command(_DEFAULT)
def frequency(
    manifest: Annotated[
        Path, typer.Argument(help="CSV with path,label,generator,source[,licence].")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the model and its card.")],
    name: Annotated[str, typer.Option(help="Name of the model and its files.")] = "frequency-1",
    version: Annotated[str, typer.Option(help="Version that the model card states.")] = "1",
    deliveries: Annotated[
        int, typer.Option(min=0, help="Random renditions of each picture, beside the standard one.")
    ] = 3,
    most_per_group: Annotated[
        int, typer.Option(min=1, help="Pictures used of each source and generator.")
    ] = 120,
    workers: Annotated[int, typer.Option(min=1, help="Processes that measure features.")] = 1,
    seed: Annotated[int, typer.Option(help="Seed of every random choice.")] = 0,
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
    try:
        _require_models_extra()
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
    except AssayError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
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


def _require_models_extra() -> None:
    from importlib.util import find_spec

    if find_spec("sklearn") is None:
        raise MissingExtra("training needs scikit-learn", advice="pip install 'assay[models]'")


app.command("vit")(vit)
app.command("synthesisers")(synthesisers)
app.command("probe")(probe)
app.command("fusion")(fusion)
app.command("faces")(faces)

"""`assay train vit`, `synthesisers`, `probe` and `fusion`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.console import AsJson, print_json, print_line, track
from assay.cli.models_extra import require_models_extra
from assay.cli.training_options import (
    Deliveries,
    Folds,
    Manifest,
    MostPerGroup,
    Name,
    Out,
    Seed,
    Version,
)


class PrecisionChoice(StrEnum):
    """Number format of the training's matrix products."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def vit(
    manifest: Manifest,
    out: Out,
    name: Name = "vit-1",
    version: Version = "1",
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of each fit.")] = 3000,
    batch: Annotated[int, typer.Option(min=2, help="Crops in a step.")] = 32,
    crop: Annotated[
        int, typer.Option(min=32, help="Side of the training crops, a multiple of 16.")
    ] = 256,
    learning_rate: Annotated[float, typer.Option(min=0.0)] = 1e-3,
    adversarial: Annotated[
        float, typer.Option(min=0.0, help="Weight of a head that must not know the source.")
    ] = 0.0,
    reconstructions: Annotated[
        Path | None,
        typer.Option(help="Manifest written by `assay train synthesisers`; only trains."),
    ] = None,
    deliveries: Deliveries = 4,
    most_per_group: MostPerGroup = 120,
    folds: Annotated[int, typer.Option(min=2, help="Group-out folds, each a fit.")] = 3,
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1, mps...")] = "cpu",
    precision: Annotated[
        PrecisionChoice, typer.Option(help="auto: bf16 or fp16 on a GPU that has it, else fp32.")
    ] = PrecisionChoice.AUTO,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from checkpoints.")] = False,
    workers: Annotated[int, typer.Option(min=1, help="Processes that render pictures.")] = 1,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train the compact vision transformer and export it to ONNX.

    Every fold leaves sources and generators out; calibration and threshold come from them. An
    interrupted run goes on with `--resume`.
    """
    require_models_extra("this training", "torch", "timm", "onnx", "onnxscript")
    from assay.datasets.manifests import read_manifest
    from assay.detector.training.train_vit import Plan, train_vit
    from assay.detector.training.vit import VitRecipe

    training = train_vit(
        read_manifest(manifest),
        out,
        VitRecipe(
            steps=steps,
            batch=batch,
            crop=crop,
            learning_rate=learning_rate,
            adversarial=adversarial,
            precision=precision.value,
            seed=seed,
        ),
        Plan(
            deliveries=deliveries,
            most_per_group=most_per_group,
            folds=folds,
            workers=workers,
            device=device,
            resume=resume,
        ),
        extra=read_manifest(reconstructions) if reconstructions else (),
        name=name,
        version=version,
        progress=lambda items, total, what: track(items, what, total=total),
    )
    _show(training.card_path, training.model.card, as_json)


def synthesisers(
    manifest: Manifest,
    out: Out,
    steps: Annotated[int, typer.Option(min=1, help="Optimiser steps of each decoder.")] = 400,
    side: Annotated[
        int, typer.Option(min=64, help="Photographs are reduced to this long side first, pixels.")
    ] = 768,
    most_per_group: MostPerGroup = 30,
    seed: Seed = 0,
    as_json: AsJson = False,
) -> None:
    """Train small decoders on photographs and re-draw the photographs through them.

    The re-drawn pictures are aligned fakes for `assay train vit --reconstructions`. An
    interrupted run goes on where it was.
    """
    require_models_extra("this training", "torch", "safetensors")
    from assay.datasets.manifests import cap_per_group, read_manifest
    from assay.detector.training.synthesisers import redraw, train_synthesisers

    rows = cap_per_group(read_manifest(manifest), most_per_group)
    weights = train_synthesisers(
        rows,
        out,
        steps=steps,
        side=side,
        seed=seed,
        progress=lambda items, total: track(items, "Training decoders", total=total),
    )
    redrawn = redraw(
        rows,
        weights,
        out / "redrawn",
        side=side,
        seed=seed,
        progress=lambda items, total: track(items, "Re-drawing", total=total),
    )
    if as_json:
        print_json({"manifest": str(redrawn.manifest), "psnr": redrawn.psnr})
        return
    print_line(str(redrawn.manifest))
    for kind, value in redrawn.psnr.items():
        print_line(f"{kind:<20}{value:6.1f} dB")


def probe(
    manifest: Manifest,
    out: Out,
    backbone: Annotated[
        str,
        typer.Option(
            help="hf:ORG/NAME[@REVISION], timm:hf_hub:ORG/NAME[@REVISION], hf:FOLDER or "
            "timm:FOLDER. A hub model that is not here yet is fetched."
        ),
    ],
    name: Annotated[str, typer.Option(help="Name of the probe and its files.")] = "probe-1",
    version: Version = "1",
    most_per_group: MostPerGroup = 120,
    folds: Folds = 5,
    as_json: AsJson = False,
) -> None:
    """Train a logistic head on the frozen features of a backbone."""
    require_models_extra("this training", "torch", "timm", "transformers", "sklearn")
    from assay.datasets.manifests import read_manifest
    from assay.detector.training.train_probe import train_probe

    training = train_probe(
        read_manifest(manifest),
        backbone,
        out,
        name=name,
        version=version,
        most_per_group=most_per_group,
        folds=folds,
        download=True,
        progress=lambda items, total: track(items, "Measuring features", total=total),
    )
    _show(training.card_path, training.model.card, as_json)


def fusion(
    cards: Annotated[
        list[Path],
        typer.Argument(help="Model cards with their held-out scores beside them, two or more."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the fusion and its parts.")],
    name: Annotated[str, typer.Option(help="Name of the fusion and its card.")] = "fusion-1",
    version: Version = "1",
    folds: Folds = 6,
    as_json: AsJson = False,
) -> None:
    """Combine models by their held-out scores; refused where the best of them does as well."""
    from assay.detector.training.train_fusion import train_fusion

    training = train_fusion(cards, out, name=name, version=version, folds=folds)
    _show(training.card_path, training.model.card, as_json)


def _show(path: Path, card: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(card)
        return
    figures, threshold = card["group_out"], card["threshold"]
    for line in (
        str(path),
        f"leave-generator x source-out AUC {figures['macro_auc']}",
        f"within contrast strata           {figures['within_contrast_strata']}",
        f"calibration error                {figures['ece']}",
        f"likely-generated                 recall {threshold['tpr']} at "
        f"{threshold['overall_fpr']} false positives "
        f"(worst source {threshold['worst_source_fpr']})",
        f"usable                           {'yes' if card['trustworthy'] else 'no: abstains'}",
    ):
        print_line(line)

"""`assay train vit`, `synthesisers`, `probe` and `fusion`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli.console import AsJson, print_error, print_json, print_line, track
from assay.errors import AssayError, MissingExtra


class PrecisionChoice(StrEnum):
    """Number format of the training's matrix products."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


Manifest = Annotated[Path, typer.Argument(help="CSV with path,label,generator,source[,licence].")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for what is trained.")]
MostPerGroup = Annotated[
    int, typer.Option(min=1, help="Pictures used of each source and generator.")
]
Seed = Annotated[int, typer.Option(help="Seed of every random choice.")]


def vit(
    manifest: Manifest,
    out: Out,
    name: Annotated[str, typer.Option(help="Name of the model and its files.")] = "vit-1",
    version: Annotated[str, typer.Option(help="Version that the model card states.")] = "1",
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
    deliveries: Annotated[
        int, typer.Option(min=0, help="Random renditions of each picture, beside the standard one.")
    ] = 4,
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
    try:
        _require("torch", "timm", "onnx", "onnxscript")
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
    except AssayError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
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
    try:
        _require("torch", "safetensors")
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
    except AssayError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
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
    version: Annotated[str, typer.Option(help="Version that the model card states.")] = "1",
    most_per_group: MostPerGroup = 120,
    folds: Annotated[int, typer.Option(min=2, help="Group-out folds.")] = 5,
    as_json: AsJson = False,
) -> None:
    """Train a logistic head on the frozen features of a backbone."""
    try:
        _require("torch", "timm", "transformers", "sklearn")
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
    except AssayError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
    _show(training.card_path, training.model.card, as_json)


def fusion(
    cards: Annotated[
        list[Path],
        typer.Argument(help="Model cards with their held-out scores beside them, two or more."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the fusion and its parts.")],
    name: Annotated[str, typer.Option(help="Name of the fusion and its card.")] = "fusion-1",
    version: Annotated[str, typer.Option(help="Version that the model card states.")] = "1",
    folds: Annotated[int, typer.Option(min=2, help="Group-out folds.")] = 6,
    as_json: AsJson = False,
) -> None:
    """Combine models by their held-out scores; refused where the best of them does as well."""
    try:
        from assay.detector.training.train_fusion import train_fusion

        training = train_fusion(cards, out, name=name, version=version, folds=folds)
    except AssayError as error:
        print_error(error, as_json=as_json)
        raise typer.Exit(error.exit_code) from None
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


def _require(*modules: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"this training needs {', '.join(missing)}", advice="pip install 'assay[models]'"
        )

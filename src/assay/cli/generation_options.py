"""Options that several `assay generate` commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[str, typer.Option(help="Folder of a diffusers model, or a hub id owner/name.")]
Prompt = Annotated[str, typer.Option(help="What to generate.")]
Negative = Annotated[str | None, typer.Option("--negative-prompt", help="What to keep out.")]
Base = Annotated[
    Path, typer.Option("--image", help="Base image; it becomes an ingredient of the result.")
]
Height = Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")]
Width = Annotated[int | None, typer.Option(help="Pixels, a multiple of 8.")]
Steps = Annotated[int | None, typer.Option(help="Sampling steps; default the model's own.")]
Guidance = Annotated[float | None, typer.Option(help="How strictly the prompt is followed.")]
Strength = Annotated[
    float | None, typer.Option(min=0.0, max=1.0, help="How much of the base image is replaced.")
]
Seed = Annotated[
    int | None, typer.Option(help="Of the first output; the next count on. Default: drawn.")
]
Count = Annotated[int, typer.Option("--num-images", min=1, help="How many outputs.")]
Clips = Annotated[int, typer.Option("--num-videos", min=1, help="How many clips.")]
Frames = Annotated[int | None, typer.Option("--num-frames", min=1, help="Frames of each clip.")]
Fps = Annotated[float, typer.Option(min=1.0, help="Frames per second of the file.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for outputs and settings.")]
Format = Annotated[str, typer.Option("--format", help="png, jpg, webp, avif or tiff.")]
Tells = Annotated[
    str, typer.Option("--prompt-policy", help="Manifests tell: omit, commit or full.")
]
Lora = Annotated[list[str] | None, typer.Option(help="LoRA file, folder or hub id; repeatable.")]
Sheet = Annotated[bool, typer.Option("--sheet/--no-sheet", help="Contact sheet of the outputs.")]
Energy = Annotated[
    str | None,
    typer.Option(help="Estimate the energy; country of the electricity, such as DEU."),
]

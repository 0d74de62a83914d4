"""`assay generate`: every output is saved marked and signed, or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson
from assay.cli.generate_video import img2video, text2video
from assay.cli.generation_job import Job, arguments_of, base_image, run, with_handling
from assay.cli.generation_options import (
    Base,
    Count,
    DeviceOption,
    Energy,
    Format,
    Guidance,
    Height,
    Lora,
    Model,
    Negative,
    Out,
    Prompt,
    Seed,
    Sheet,
    Steps,
    Strength,
    Tells,
    Width,
)

app = typer.Typer(
    help="Generate with a diffusers model; outputs leave marked and signed.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def text2img(
    prompt: Prompt,
    model: Model,
    negative_prompt: Negative = None,
    height: Height = None,
    width: Width = None,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_images: Count = 1,
    controlnet: Annotated[
        str | None, typer.Option(help="ControlNet that follows --control-image.")
    ] = None,
    control_image: Annotated[
        Path | None, typer.Option(help="Control map: edges, depth, pose.")
    ] = None,
    lora: Lora = None,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    file_format: Format = "png",
    prompt_policy: Tells = "omit",
    sheet: Sheet = True,
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """Pictures from a text."""
    if (controlnet is None) != (control_image is None):
        raise typer.BadParameter("--controlnet and --control-image go together")
    arguments = arguments_of(prompt, negative_prompt, steps, guidance, height=height, width=width)
    if control_image is not None:
        arguments["image"] = base_image(control_image)
    job = Job("text2img", model, arguments, num_images, seed, device, out)
    job.controlnet = controlnet
    _pictures(job, file_format, prompt_policy, lora, sheet, energy, as_json)


@app.command()
def img2img(
    prompt: Prompt,
    image: Base,
    model: Model,
    negative_prompt: Negative = None,
    strength: Strength = None,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_images: Count = 1,
    lora: Lora = None,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    file_format: Format = "png",
    prompt_policy: Tells = "omit",
    sheet: Sheet = True,
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """A new picture from a base image and a text."""
    arguments = arguments_of(prompt, negative_prompt, steps, guidance, strength=strength)
    arguments["image"] = base_image(image)
    job = Job("img2img", model, arguments, num_images, seed, device, out)
    _pictures(job, file_format, prompt_policy, lora, sheet, energy, as_json)


@app.command()
def variation(
    image: Base,
    model: Model,
    prompt: Prompt = "",
    strength: Strength = 0.6,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_images: Count = 4,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    file_format: Format = "png",
    prompt_policy: Tells = "omit",
    sheet: Sheet = True,
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """Several variations of a base image, one for each seed."""
    arguments = arguments_of(prompt, None, steps, guidance, strength=strength)
    arguments["image"] = base_image(image)
    job = Job("variation", model, arguments, num_images, seed, device, out)
    _pictures(job, file_format, prompt_policy, None, sheet, energy, as_json)


@app.command()
def inpaint(
    prompt: Prompt,
    image: Base,
    mask: Annotated[Path, typer.Option(help="White is repainted; same size as the image.")],
    model: Model,
    strict_mask: Annotated[
        str | None,
        typer.Option(
            help="Keep every pixel outside the mask: `inside` marks within the mask only, "
            "`fingerprint` leaves the watermark out."
        ),
    ] = None,
    negative_prompt: Negative = None,
    strength: Strength = None,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_images: Count = 1,
    lora: Lora = None,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    file_format: Format = "png",
    prompt_policy: Tells = "omit",
    sheet: Sheet = True,
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """Repaint what a mask selects; with a strict mask nothing else changes."""
    base, selected = base_image(image), base_image(mask)
    if base.size != selected.size:
        raise typer.BadParameter(
            f"the mask has {selected.width} x {selected.height} pixels, "
            f"the image {base.width} x {base.height}",
            param_hint="--mask",
        )
    arguments = arguments_of(prompt, negative_prompt, steps, guidance, strength=strength)
    arguments |= {"image": base, "mask_image": selected, "height": base.height, "width": base.width}
    job = Job("inpaint", model, arguments, num_images, seed, device, out, strict_mask=strict_mask)
    _pictures(job, file_format, prompt_policy, lora, sheet, energy, as_json)


@app.command()
def upscale(
    image: Base,
    model: Model,
    prompt: Prompt = "",
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    file_format: Format = "png",
    prompt_policy: Tells = "omit",
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """Enlarge a base image with a super-resolution model."""
    arguments = arguments_of(prompt, None, steps, guidance)
    arguments["image"] = base_image(image)
    job = Job("upscale", model, arguments, 1, seed, device, out)
    _pictures(job, file_format, prompt_policy, None, False, energy, as_json)


def _pictures(
    job: Job,
    file_format: str,
    prompt_policy: str,
    lora: list[str] | None,
    sheet: bool,
    energy: str | None,
    as_json: bool,
) -> None:
    formats = ("png", "jpg", "webp", "avif", "tiff")
    if file_format not in formats:
        raise typer.BadParameter(f"not one of {', '.join(formats)}", param_hint="--format")
    job.suffix = f".{file_format}"
    job.loras = lora or []
    job.sheet = sheet
    run(with_handling(job, prompt_policy, energy, as_json))


app.command()(text2video)
app.command()(img2video)

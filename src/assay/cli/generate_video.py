"""`assay generate text2video` and `img2video`: clips, marked and signed as pictures are."""

from __future__ import annotations

from pathlib import Path

from assay.cli.console import AsJson
from assay.cli.generation_job import Job, arguments_of, base_image, run, with_handling
from assay.cli.generation_options import (
    Base,
    Clips,
    DeviceOption,
    Energy,
    Fps,
    Frames,
    Guidance,
    Height,
    Lora,
    Model,
    Negative,
    Out,
    Prompt,
    Seed,
    Steps,
    Tells,
    Width,
)


def text2video(
    prompt: Prompt,
    model: Model,
    negative_prompt: Negative = None,
    height: Height = None,
    width: Width = None,
    num_frames: Frames = None,
    fps: Fps = 8.0,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_videos: Clips = 1,
    lora: Lora = None,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    prompt_policy: Tells = "omit",
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """A clip from a text."""
    arguments = arguments_of(
        prompt, negative_prompt, steps, guidance, height=height, width=width, num_frames=num_frames
    )
    job = Job("text2video", model, arguments, num_videos, seed, device, out, ".mp4", fps)
    job.loras = lora or []
    run(with_handling(job, prompt_policy, energy, as_json))


def img2video(
    image: Base,
    model: Model,
    prompt: Prompt = "",
    negative_prompt: Negative = None,
    height: Height = None,
    width: Width = None,
    num_frames: Frames = None,
    fps: Fps = 8.0,
    steps: Steps = None,
    guidance: Guidance = None,
    seed: Seed = None,
    num_videos: Clips = 1,
    device: DeviceOption = "auto",
    out: Out = Path("generated"),
    prompt_policy: Tells = "omit",
    energy: Energy = None,
    as_json: AsJson = False,
) -> None:
    """A clip that starts from a base image."""
    arguments = arguments_of(
        prompt, negative_prompt, steps, guidance, height=height, width=width, num_frames=num_frames
    )
    arguments["image"] = base_image(image)
    job = Job("img2video", model, arguments, num_videos, seed, device, out, ".mp4", fps)
    run(with_handling(job, prompt_policy, energy, as_json))

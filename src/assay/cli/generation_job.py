"""What `assay generate` does, whatever is generated."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import typer

from assay.cli.console import frame_progress, print_error, print_json, print_line, track

if TYPE_CHECKING:
    from PIL import Image

    from assay.provenance.generation.loading import Device, Task
    from assay.provenance.generation.policy import StrictMask
    from assay.provenance.generation.session import Made, Session
    from assay.provenance.marking import Receipt
    from assay.provenance.matching import Registry


@dataclass
class Job:
    """What a command asks for, with options that every command shares."""

    task: str
    model: str
    arguments: dict[str, Any]
    count: int = 1
    seed: int | None = None
    device: str = "auto"
    out: Path = Path("generated")
    suffix: str = ".png"
    fps: float = 8.0
    prompt_policy: str = "omit"
    strict_mask: str | None = None
    controlnet: str | None = None
    loras: list[str] = field(default_factory=list)
    sheet: bool = False
    energy: str | None = None
    as_json: bool = False


def arguments_of(
    prompt: str, negative: str | None, steps: int | None, guidance: float | None, **more: Any
) -> dict[str, Any]:
    """Arguments for the pipeline; what was not asked for is left to the model."""
    named = {
        "prompt": prompt,
        "negative_prompt": negative,
        "num_inference_steps": steps,
        "guidance_scale": guidance,
        **more,
    }
    return {name: value for name, value in named.items() if value is not None}


def base_image(path: Path) -> Image.Image:
    """A picture to start from; the manifest of the result names it as an ingredient.

    Raises:
        InputRefused: it cannot be opened, or is a video.
    """
    from assay.provenance.generation import load_image

    return load_image(path)


def with_handling(job: Job, prompt_policy: str, energy: str | None, as_json: bool) -> Job:
    """The job with what every command asks about its outputs; choices are checked here."""
    if prompt_policy not in ("omit", "commit", "full"):
        raise typer.BadParameter("not one of omit, commit, full", param_hint="--prompt-policy")
    if job.strict_mask not in (None, "inside", "fingerprint"):
        raise typer.BadParameter("not one of inside, fingerprint", param_hint="--strict-mask")
    if job.device not in ("auto", "cpu", "cuda", "mps"):
        raise typer.BadParameter("not one of auto, cpu, cuda, mps", param_hint="--device")
    job.prompt_policy, job.energy, job.as_json = prompt_policy, energy, as_json
    return job


def run(job: Job) -> None:
    """Load, attach, generate, save; one line for each output."""
    from assay.provenance.generation import advising, loading
    from assay.provenance.generation.attaching import attach
    from assay.provenance.generation.energy import estimating
    from assay.provenance.generation.policy import Policy
    from assay.provenance.generation.session import Session
    from assay.provenance.matching import Registry
    from assay.provenance.prompting import PromptPolicy
    from assay.settings import settings

    loading.require_extra()
    policy = Policy(
        prompt=PromptPolicy(job.prompt_policy),
        strict_mask=cast("StrictMask | None", job.strict_mask),
    )
    if not sys.stderr.isatty():
        _without_foreign_bars()
    pipeline = loading.load(
        cast("Task", job.task),
        job.model,
        device=cast("Device", job.device),
        controlnet=job.controlnet,
        loras=job.loras,
    )
    height, width = job.arguments.get("height"), job.arguments.get("width")
    advising.check_size(pipeline, height, width)
    for sentence in advising.advice_on(
        pipeline,
        model=job.model,
        height=height,
        width=width,
        steps=job.arguments.get("num_inference_steps"),
        guidance=job.arguments.get("guidance_scale"),
    ):
        _note(sentence)
    attach(pipeline, policy)
    _drop_unknown_prompt(pipeline, job)
    session = Session(
        pipeline, job.task, job.arguments, job.out, job.suffix, seed=job.seed, fps=job.fps
    )
    with ExitStack() as stack:
        registry = stack.enter_context(Registry(settings().registry_url))
        energy = stack.enter_context(estimating(job.energy)) if job.energy else None
        code = _make(job, session, registry)
    if energy is not None:
        session.write_sidecar(energy=energy.to_json())
        used = energy.kilowatt_hours
        told = "codecarbon gave none" if used is None else f"about {used:.2g} kWh, {energy.method}"
        _note(f"energy, an estimate: {told}")
    raise typer.Exit(code)


def _make(job: Job, session: Session, registry: Registry) -> int:
    """Every output and the contact sheet; returns the exit code."""
    from assay.provenance.generation.contact_sheet import save_contact_sheet

    code, saved = 0, []
    with frame_progress("Generating", alone=job.count == 1) as progress:
        outputs = session.run(job.count, registry=registry, progress=progress)
        for made in track(outputs, "Generating", total=job.count):
            if made.error is not None:
                print_error(made.error, as_json=job.as_json, instance=str(made.path))
                code = max(code, made.error.exit_code)
            elif made.signed is not None:
                saved.append(made.signed)
                _report(job, made, made.signed.receipt)
    if job.sheet and len(saved) > 1:
        sheet = save_contact_sheet(saved, session.sheet, registry=registry)
        if not job.as_json:
            print_line(f"{sheet.path}  contact sheet")
    if saved and not job.as_json:
        print_line(f"{session.sidecar}  settings and seeds; keep it to yourself")
    return code


def _report(job: Job, made: Made, receipt: Receipt) -> None:
    if job.as_json:
        print_json(
            {"file": str(made.path), "seed": made.seed, "receipt": receipt.model_dump(mode="json")}
        )
        return
    mark = f"watermark {receipt.payload}" if receipt.payload else "no watermark"
    print_line(f"{made.path}  {receipt.manifest_label}  {mark}")


def _drop_unknown_prompt(pipeline: Any, job: Job) -> None:
    """Models that take no text get none; a text that was asked for stays, and is refused."""
    import inspect

    parameters = inspect.signature(type(pipeline).__call__).parameters
    if not job.arguments.get("prompt") and "prompt" not in parameters:
        job.arguments.pop("prompt", None)


def _note(text: str) -> None:
    """One line on standard error, which no script reads."""
    sys.stderr.write(f"assay: note: {text}\n")


def _without_foreign_bars() -> None:
    """Loading bars of the libraries belong on a terminal, not in a log."""
    import diffusers.utils.logging
    import transformers.utils.logging

    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()

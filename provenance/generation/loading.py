"""Open a model for a task: a local folder, or a hub id where the hub can be reached."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, get_args

from assay.errors import ConfigurationError, InputRefused, MissingExtra

Task = Literal["text2img", "img2img", "inpaint", "variation", "upscale", "text2video", "img2video"]
Device = Literal["auto", "cpu", "cuda", "mps"]

_AUTO: dict[str, str] = {
    "text2img": "AutoPipelineForText2Image",
    "img2img": "AutoPipelineForImage2Image",
    "variation": "AutoPipelineForImage2Image",
    "inpaint": "AutoPipelineForInpainting",
}
"""diffusers' own choice of pipeline; the other tasks take the one the model names."""
_NEEDS: dict[str, frozenset[str]] = {
    "text2img": frozenset({"prompt"}),
    "img2img": frozenset({"image"}),
    "variation": frozenset({"image"}),
    "inpaint": frozenset({"image", "mask_image"}),
    "upscale": frozenset({"image"}),
    "text2video": frozenset({"prompt", "num_frames"}),
    "img2video": frozenset({"image", "num_frames"}),
}
_HUB_ID = re.compile(r"^[\w.-]+/[\w.-]+$")
_NEEDED_PACKAGES = ("torch", "diffusers", "transformers")


class ModelUnavailable(InputRefused):
    """The model cannot be loaded."""

    code = "model-unavailable"


def load(
    task: Task,
    model: str,
    *,
    device: Device = "auto",
    controlnet: str | None = None,
    loras: Sequence[str] = (),
) -> Any:
    """A diffusers pipeline for `task`, on its device, without progress bars of its own.

    Args:
        task: what it must be able to do.
        model: a folder (nothing is fetched) or a hub id `owner/name`.
        device: `auto` takes cuda, then mps, then cpu.
        controlnet: a ControlNet, as `model`.
        loras: LoRA files or folders or hub ids, all active.

    Raises:
        MissingExtra: torch, diffusers or transformers are not installed.
        ModelUnavailable: the model cannot be loaded.
        ConfigurationError: it does something else, or the device is not there.
    """
    require_extra()
    import torch

    chosen = pick_device(device)
    options: dict[str, Any] = {
        # Half precision is for accelerators; bfloat16 does not overflow in VAEs.
        "dtype": torch.bfloat16 if chosen == "cuda" else torch.float32
    }
    if controlnet is not None:
        options["controlnet"] = _from_pretrained("ControlNetModel", controlnet, options)
    pipeline = _open(task, model, options)
    for lora in loras:
        _load_lora(pipeline, lora)
    missing = _NEEDS[task] - inspect.signature(type(pipeline).__call__).parameters.keys()
    if missing:
        raise ConfigurationError(
            f"{model} is a {type(pipeline).__name__}, which does not do {task}: "
            f"it takes no {', '.join(sorted(missing))}"
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline.to(chosen)


def require_extra() -> None:
    """Refuse to go on without the packages that generation needs.

    Raises:
        MissingExtra: names the extra.
    """
    missing = [name for name in _NEEDED_PACKAGES if find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"generation needs {', '.join(missing)}",
            advice="install them with `pip install 'assay[generate]'`",
        )


def pick_device(device: Device) -> str:
    """The device to run on.

    Raises:
        ConfigurationError: it is not there.
    """
    import torch

    if device not in get_args(Device):
        raise ConfigurationError(f"device {device!r} is not one of {', '.join(get_args(Device))}")
    there = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if device == "auto":
        return next(name for name in ("cuda", "mps", "cpu") if there[name])
    if not there[device]:
        raise ConfigurationError(f"this machine has no usable {device}", advice="use --device auto")
    return device


def _open(task: Task, model: str, options: dict[str, Any]) -> Any:
    if task in _AUTO:
        try:
            return _from_pretrained(_AUTO[task], model, options)
        except ModelUnavailable as error:
            if not isinstance(error.__cause__, ValueError | KeyError):
                raise
            # A kind of model that diffusers has no automatic choice for: take what it names.
    return _from_pretrained("DiffusionPipeline", model, options)


def _from_pretrained(name: str, model: str, options: dict[str, Any]) -> Any:
    import diffusers

    where = _where(model)
    try:
        return getattr(diffusers, name).from_pretrained(model, **where, **options)
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise ModelUnavailable(f"{model} cannot be loaded: {_first_line(error)}") from error


def _load_lora(pipeline: Any, lora: str) -> None:
    if find_spec("peft") is None:
        raise MissingExtra("LoRA needs peft", advice="install it with `pip install peft`")
    path = Path(lora)
    options: dict[str, Any] = {"adapter_name": re.sub(r"\W+", "-", path.stem)}
    if path.is_file():
        options |= {"weight_name": path.name, "local_files_only": True}
        lora = str(path.parent)
    else:
        options |= _where(lora)
    try:
        pipeline.load_lora_weights(lora, **options)
    except (OSError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise ModelUnavailable(f"{path} cannot be loaded: {_first_line(error)}") from error


def _where(model: str) -> dict[str, bool]:
    """A folder is never looked up on the hub."""
    if Path(model).is_dir():
        return {"local_files_only": True}
    if _HUB_ID.match(model) and not model.startswith("."):
        return {}
    raise ModelUnavailable(
        f"{model}: no such folder", advice="a model on the hub is named owner/name"
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""The facts about a pipeline and a call that go into every manifest."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.provenance.generation import weights
from assay.version import __version__

ASSERTION = "org.assay.generation"
_LONGEST_NAME = 200
_MODEL_ID = re.compile(r"^[\w.-]+/[\w.-]+$")

_SETTINGS = {
    "num_inference_steps": "steps",
    "guidance_scale": "guidance",
    "min_guidance_scale": "minGuidance",
    "max_guidance_scale": "maxGuidance",
    "guidance_scale_2": "guidance2",
    "true_cfg_scale": "trueGuidance",
    "image_guidance_scale": "imageGuidance",
    "strength": "strength",
    "noise_level": "noiseLevel",
    "noise_aug_strength": "noiseAugmentation",
    "eta": "eta",
    "clip_skip": "clipSkip",
    "controlnet_conditioning_scale": "controlScale",
    "control_guidance_start": "controlStart",
    "control_guidance_end": "controlEnd",
    "adapter_conditioning_scale": "adapterScale",
    "num_frames": "frames",
    "fps": "fps",
    "motion_bucket_id": "motionBucket",
}
"""Arguments of diffusers pipelines that are recorded, and their names in the assertion.

Numbers only. Prompts, seeds, file names and callables are not among them.
"""


def model_name(pipeline: Any) -> str:
    """Hub id, or the name of the folder without its path, or the pipeline's class."""
    told = str(getattr(pipeline, "name_or_path", None) or "")
    config = getattr(pipeline, "config", None)
    if not told and isinstance(config, Mapping):
        told = str(config.get("_name_or_path") or "")
    is_id = _MODEL_ID.match(told) and not Path(told).exists()
    name = told if is_id else Path(told).name
    return clean_name(name or type(pipeline).__name__)


def clean_name(name: str) -> str:
    """`name` with what does not print left out, at most 200 characters."""
    return "".join(c for c in name if c.isprintable())[:_LONGEST_NAME] or "unnamed generator"


def weight_hashes(pipeline: Any) -> dict[str, str]:
    """Hashes of every network of a pipeline, ControlNets and motion adapters included."""
    found: dict[str, str] = {}
    for name, component in networks(pipeline):
        found |= weights.hashes_of(name, component)
    return found


def pipeline_facts(pipeline: Any) -> dict[str, Any]:
    """What can change from call to call: scheduler, adapters, and the versions in use."""
    facts: dict[str, Any] = {"pipeline": type(pipeline).__name__, "versions": versions()}
    scheduler = getattr(pipeline, "scheduler", None)
    if scheduler is not None:
        facts["scheduler"] = type(scheduler).__name__
    if adapters := [dict(entry) for entry in _adapters(pipeline)]:
        facts["adapters"] = adapters
    if fused := getattr(pipeline, "num_fused_loras", 0):
        facts["fusedAdapters"] = int(fused)
    return facts


def call_facts(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The recorded settings among the arguments of a call."""
    found = {}
    for name, title in _SETTINGS.items():
        value = _number(arguments.get(name))
        if value is not None:
            found[title] = value
    return found


def versions() -> dict[str, str]:
    """Versions of Assay and of the libraries that are in use."""
    found = {"assay": __version__}
    for name in ("diffusers", "torch", "transformers"):
        module = sys.modules.get(name)
        if version := getattr(module, "__version__", None):
            found[name] = str(version)
    return found


def networks(pipeline: Any) -> Iterator[tuple[str, Any]]:
    """Networks of a pipeline by name; several ControlNets are taken apart."""
    components = getattr(pipeline, "components", None)
    if not isinstance(components, Mapping):
        return
    for name, component in sorted(components.items()):
        several = getattr(component, "nets", None)
        if several is not None:
            yield from ((f"{name}.{index}", net) for index, net in enumerate(several))
        elif weights.is_network(component):
            yield name, component


def _adapters(pipeline: Any) -> Iterator[dict[str, Any]]:
    """LoRA and IP-Adapters inside the networks, as they are now."""
    for name, network in networks(pipeline):
        names = weights.adapter_names(network)
        active = _active(network) if names else []  # diffusers looks its packages up to answer
        for adapter in names:
            yield {
                "kind": "lora",
                "component": name,
                "name": clean_name(adapter),
                "active": adapter in active,
                "parametersSha256": weights.digest_of_adapter(network, adapter),
            }
        if digest := weights.digest_of_ip_adapter(network):
            yield {"kind": "ip-adapter", "component": name, "parametersSha256": digest}


def _active(network: Any) -> list[str]:
    try:
        return list(network.active_adapters())
    except (AttributeError, ValueError):
        return []


def _number(value: Any) -> Any:
    """A number or a short list of numbers; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple) and 0 < len(value) <= 16:
        numbers = [_number(item) for item in value]
        return numbers if all(number is not None for number in numbers) else None
    return None

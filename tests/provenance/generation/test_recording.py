"""What manifests tell about models: hashes anyone can repeat, and nothing private."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch

from assay.provenance.generation import Policy, attach, save
from assay.provenance.generation.recording import call_facts, model_name, weight_hashes
from assay.provenance.generation.weights import digest_of_parameters

from . import pipelines
from .conftest import FEW, SIZE, assertion, both_marks


def test_files_are_hashed_as_their_publisher_would(stable_diffusion: Any, tmp_path: Path) -> None:
    folder = tmp_path / "tiny-model"
    pipeline = pipelines.saved(stable_diffusion, folder)

    hashes = weight_hashes(pipeline)

    expected = {
        path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.safetensors")
    }
    assert hashes == expected
    assert len(hashes) == 3
    assert model_name(pipeline) == "tiny-model"


def test_networks_without_files_are_hashed_by_their_parameters() -> None:
    pipeline = pipelines.text_to_image()
    before = weight_hashes(pipeline)
    assert set(before) == {"text_encoder (parameters)", "unet (parameters)", "vae (parameters)"}
    with torch.no_grad():
        next(iter(pipeline.unet.parameters())).add_(0.001)
    after = weight_hashes(pipeline)
    assert after["unet (parameters)"] != before["unet (parameters)"]
    assert after["vae (parameters)"] == before["vae (parameters)"]


def test_two_precisions_side_by_side_are_not_guessed_between(
    stable_diffusion: Any, tmp_path: Path
) -> None:
    pipeline = pipelines.saved(stable_diffusion, tmp_path)
    weights = tmp_path / "unet" / "diffusion_pytorch_model.safetensors"
    (weights.parent / "diffusion_pytorch_model.fp16.safetensors").write_bytes(weights.read_bytes())
    assert "unet (parameters)" in weight_hashes(pipeline)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_parameters_of_every_type_are_hashed(dtype: torch.dtype) -> None:
    network = torch.nn.Linear(3, 2).to(dtype)
    first = digest_of_parameters(network)
    assert first == digest_of_parameters(network)
    with torch.no_grad():
        network.bias.add_(1)
    assert digest_of_parameters(network) != first


def test_an_adapter_is_told_and_leaves_the_base_hash_alone(tmp_path: Path) -> None:
    from peft import LoraConfig

    pipeline = pipelines.text_to_image()
    plain = weight_hashes(pipeline)
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]), "brush")
    assert weight_hashes(pipeline) == plain
    attach(pipeline, Policy(weights=False))

    def told(name: str) -> dict[str, Any]:
        [image] = pipeline(**FEW, **SIZE).images
        facts = assertion(both_marks(save(image, tmp_path / name)), "org.assay.generation")
        [adapter] = facts["adapters"]
        return dict(adapter)

    before = told("a.png")
    assert (before["kind"], before["name"], before["component"]) == ("lora", "brush", "unet")
    with torch.no_grad():
        for key, value in pipeline.unet.named_parameters():
            if ".lora_B." in key:
                value.add_(0.01)
    assert told("b.png")["parametersSha256"] != before["parametersSha256"]


def test_a_controlnet_is_hashed_with_the_rest() -> None:
    assert "controlnet (parameters)" in weight_hashes(pipelines.with_controlnet())


def test_only_numbers_are_recorded_of_a_call() -> None:
    facts = call_facts(
        {
            "prompt": "secret",
            "num_inference_steps": 20,
            "guidance_scale": 7.5,
            "strength": None,
            "controlnet_conditioning_scale": [0.5, 1.0],
            "clip_skip": True,
            "generator": object(),
            "image": "/home/jane/a.png",
        }
    )
    assert facts == {"steps": 20, "guidance": 7.5, "controlScale": [0.5, 1.0]}


def test_hub_ids_are_kept_and_folders_lose_their_path(tmp_path: Path) -> None:
    class Pipeline:
        name_or_path = "stabilityai/stable-diffusion-xl-base-1.0"

    assert model_name(Pipeline()) == "stabilityai/stable-diffusion-xl-base-1.0"
    Pipeline.name_or_path = str(tmp_path / "private" / "my-model")
    assert model_name(Pipeline()) == "my-model"
    Pipeline.name_or_path = ""
    assert model_name(Pipeline()) == "Pipeline"

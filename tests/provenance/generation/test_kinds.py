"""One tiny pipeline of every kind that diffusers offers: marked, signed, read back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from assay.provenance.generation import attach, load_image, save

from . import pipelines
from .conftest import FEW, SIZE, assertion, both_marks

SMALL = {"height": 128, "width": 128}


def _with_lora() -> Any:
    from peft import LoraConfig

    pipeline = pipelines.text_to_image()
    pipeline.unet.add_adapter(LoraConfig(r=2, target_modules=["to_q", "to_v"]), "style")
    return pipeline


def _with_style() -> Any:
    pipeline, weights = pipelines.with_style_reference()
    pipeline.load_ip_adapter(weights, subfolder="", weight_name="")
    pipeline.set_ip_adapter_scale(0.5)
    return pipeline


@dataclass(frozen=True)
class Kind:
    """How to build and call a pipeline, and what its manifest has to say.

    Attributes:
        takes: pipeline argument -> side of the photograph handed in.
        ingredients: titles and relationships.
    """

    build: Callable[[], Any]
    arguments: dict[str, Any]
    origin: str = "generated"
    takes: tuple[tuple[str, int], ...] = ()
    ingredients: tuple[tuple[str, str], ...] = ()
    clip: bool = False


PARENT = ("base image", "parentOf")
KINDS = {
    "text to image": Kind(pipelines.text_to_image, FEW | SIZE),
    "two text encoders": Kind(pipelines.two_encoders, FEW | SIZE),
    "LoRA": Kind(_with_lora, FEW | SIZE),
    "image to image": Kind(
        pipelines.image_to_image,
        FEW | {"strength": 0.8},
        takes=(("image", 192),),
        ingredients=(PARENT,),
    ),
    "ControlNet": Kind(
        pipelines.with_controlnet,
        FEW | SIZE,
        takes=(("image", 192),),
        ingredients=(("control map", "inputTo"),),
    ),
    "super-resolution": Kind(
        pipelines.upscaling, FEW, "edited", (("image", 48),), ingredients=(PARENT,)
    ),
    "style transfer (IP-Adapter)": Kind(
        _with_style,
        FEW | SIZE,
        takes=(("ip_adapter_image", 192),),
        ingredients=(("style reference", "inputTo"),),
    ),
    "text to video (AnimateDiff)": Kind(
        pipelines.text_to_video, FEW | SMALL | {"num_frames": 6}, clip=True
    ),
    "text to video (Wan)": Kind(
        pipelines.flow_text_to_video,
        FEW | SMALL | {"num_frames": 5, "max_sequence_length": 16},
        clip=True,
    ),
    "image to video (SVD)": Kind(
        pipelines.image_to_video,
        SMALL | {"num_inference_steps": 2, "num_frames": 4},
        takes=(("image", 128),),
        ingredients=(("first frame", "inputTo"),),
        clip=True,
    ),
    "frame interpolation (Wan, first and last frame)": Kind(
        pipelines.flow_image_to_video,
        FEW | SMALL | {"num_frames": 5, "max_sequence_length": 16},
        takes=(("image", 128), ("last_image", 128)),
        ingredients=(("last frame", "inputTo"), ("first frame", "inputTo")),
        clip=True,
    ),
}


@pytest.mark.parametrize("name", KINDS)
def test_it_leaves_marked_and_signed(name: str, photograph: Path, tmp_path: Path) -> None:
    kind = KINDS[name]
    pipeline = attach(kind.build())
    arguments = dict(kind.arguments)
    for argument, side in kind.takes:
        arguments[argument] = load_image(photograph).resize((side, side))

    result = pipeline(**arguments)

    if kind.clip:
        signed = save(result.frames[0], tmp_path / "clip.mp4", fps=8)
        assert signed.media.frames == arguments["num_frames"]
    else:
        assert isinstance(result.images[0], Image.Image)
        signed = save(result.images[0], tmp_path / "picture.png")
    credentials = both_marks(signed)
    assert credentials.origin == kind.origin
    told = tuple((str(part.title), str(part.relationship)) for part in credentials.ingredients)
    assert told == kind.ingredients
    facts = assertion(credentials, "org.assay.generation")
    assert facts["pipeline"] == type(pipeline).__name__
    assert facts["steps"] == 2
    assert facts["scheduler"] == type(pipeline.scheduler).__name__
    assert len(facts["weights"]) >= 2

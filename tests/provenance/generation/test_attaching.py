"""attach, detach, and everything a pipeline may return."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from assay.errors import ConfigurationError, KeysUnavailable
from assay.media import Media
from assay.provenance.generation import (
    LostAttachmentWarning,
    Policy,
    UnmarkedOutput,
    UnusablePicture,
    attach,
    detach,
    is_attached,
    save,
)
from assay.provenance.keys import watermark_key
from assay.provenance.prompting import PROMPT_LABEL, PromptPolicy
from assay.watermark import detect

from . import pipelines
from .conftest import FEW, SIZE, assertion, both_marks


def _payload(picture: Any) -> int | None:
    from assay.provenance.generation.pixels import to_pixels

    found = detect(to_pixels(picture), key=watermark_key())
    return None if found is None else found.payload


@pytest.mark.parametrize("output_type", ["pil", "np", "pt"])
@pytest.mark.parametrize("return_dict", [True, False])
def test_every_output_type_leaves_marked(
    attached: Any, output_type: str, return_dict: bool, tmp_path: Path
) -> None:
    result = attached(**FEW, **SIZE, output_type=output_type, return_dict=return_dict)

    images = result.images if return_dict else result[0]
    assert type(images) is {"pil": list, "np": np.ndarray, "pt": torch.Tensor}[output_type]
    if return_dict:
        assert result["images"] is result.images
    both_marks(save(images[0], tmp_path / "picture.png"))


def test_each_of_a_batch_has_its_own_marks(attached: Any, tmp_path: Path) -> None:
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 6, 7, 8)]
    images = attached(
        ["a cat", "a dog"],
        num_inference_steps=2,
        num_images_per_prompt=2,
        generator=generators,
        **SIZE,
    ).images

    saved = [save(image, tmp_path / f"{number}.png") for number, image in enumerate(images)]

    credentials = [both_marks(signed) for signed in saved]
    assert len({signed.receipt.payload for signed in saved}) == 4
    assert len({c.manifest_label for c in credentials}) == 4
    facts = [assertion(c, "org.assay.generation") for c in credentials]
    assert [(f["output"], f["outputs"]) for f in facts] == [(0, 4), (1, 4), (2, 4), (3, 4)]


def test_prompts_and_seeds_belong_to_their_picture(stable_diffusion: Any, tmp_path: Path) -> None:
    attach(stable_diffusion, Policy(prompt=PromptPolicy.FULL, weights=False))
    generators = [torch.Generator().manual_seed(seed) for seed in (5, 6)]
    images = stable_diffusion(
        ["a cat", "a dog"], num_inference_steps=2, generator=generators, **SIZE
    ).images
    detach(stable_diffusion)

    told = [
        assertion(both_marks(save(image, tmp_path / f"{n}.png")), PROMPT_LABEL)
        for n, image in enumerate(images)
    ]

    assert [(t["prompt"], t["seed"]) for t in told] == [("a cat", "5"), ("a dog", "6")]


def test_a_positional_prompt_is_understood(stable_diffusion: Any, tmp_path: Path) -> None:
    attach(stable_diffusion, Policy(prompt=PromptPolicy.FULL, weights=False))
    images = stable_diffusion("by position", 192, 192, 2).images
    detach(stable_diffusion)
    credentials = both_marks(save(images[0], tmp_path / "a.png"))
    assert assertion(credentials, PROMPT_LABEL)["prompt"] == "by position"
    assert assertion(credentials, "org.assay.generation")["steps"] == 2


def test_without_a_generator_a_seed_is_drawn_and_known(attached: Any) -> None:
    from assay.provenance.generation.pixels import to_pixels
    from assay.provenance.generation.remembering import MEMORY

    [image] = attached(**FEW, **SIZE).images
    known = MEMORY.by_pixels([to_pixels(image)])
    assert known is not None
    assert known.secrets.seed is not None
    assert known.secrets.seed_reproduces

    detach(attached)
    generator = torch.Generator().manual_seed(known.secrets.seed)
    [again] = attached(**FEW, **SIZE, generator=generator).images
    difference = np.abs(np.asarray(again, int) - np.asarray(image, int))
    assert difference.max() < 40
    assert difference.mean() < 5  # the watermark, nothing else


def test_a_used_generator_does_not_promise_reproduction(attached: Any) -> None:
    from assay.provenance.generation.pixels import to_pixels
    from assay.provenance.generation.remembering import MEMORY

    generator = torch.Generator().manual_seed(1)
    torch.rand(3, generator=generator)
    [image] = attached(**FEW, **SIZE, generator=generator).images
    known = MEMORY.by_pixels([to_pixels(image)])
    assert known is not None
    assert (known.secrets.seed, known.secrets.seed_reproduces) == (1, False)


def test_latents_pass_unmarked_and_are_not_saved(attached: Any, tmp_path: Path) -> None:
    latents = attached(**FEW, **SIZE, output_type="latent").images
    assert latents.shape == (1, 4, 24, 24)
    with pytest.raises((UnusablePicture, UnmarkedOutput)):
        save(latents[0], tmp_path / "latents.png")
    assert list(tmp_path.iterdir()) == []


def test_what_never_left_a_pipeline_is_not_saved(
    attached: Any, astronaut: np.ndarray, tmp_path: Path
) -> None:
    with pytest.raises(UnmarkedOutput, match="did not leave an attached pipeline"):
        save(astronaut, tmp_path / "a.png")
    assert not (tmp_path / "a.png").exists()


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".avif", ".tiff"])
def test_every_picture_format(attached: Any, suffix: str, tmp_path: Path) -> None:
    [image] = attached(**FEW, height=512, width=512).images
    both_marks(save(image, tmp_path / f"picture{suffix}"))


def test_a_copy_that_lost_everything_is_recognised_by_its_mark(
    attached: Any, tmp_path: Path
) -> None:
    [image] = attached(**FEW, height=512, width=512).images
    changed = Image.fromarray(np.asarray(image.crop((0, 0, 480, 480))))

    credentials = both_marks(save(changed, tmp_path / "crop.png"))

    manifest = credentials.raw["reader"]["manifests"][credentials.manifest_label]
    [actions] = [a["data"] for a in manifest["assertions"] if "actions" in a["label"]]
    assert actions["allActionsIncluded"] is False


def test_nothing_private_is_in_the_file(stable_diffusion: Any, tmp_path: Path) -> None:
    folder = tmp_path / "jane-doe-secret-project" / "tiny"
    pipeline = attach(pipelines.saved(stable_diffusion, folder))
    generator = torch.Generator().manual_seed(987654321)
    [image] = pipeline("my private prompt", 192, 192, 2, generator=generator).images

    data = save(image, tmp_path / "a.png").media.data

    for private in (b"jane-doe", b"private prompt", b"987654321", str(tmp_path).encode()):
        assert private not in data


def test_save_pretrained_writes_the_real_class(attached: Any, tmp_path: Path) -> None:
    attached.save_pretrained(tmp_path)
    index = json.loads((tmp_path / "model_index.json").read_text())
    assert index["_class_name"] == "StableDiffusionPipeline"
    assert isinstance(attached, diffusers.StableDiffusionPipeline)
    again = diffusers.DiffusionPipeline.from_pretrained(tmp_path, local_files_only=True)
    assert not is_attached(again)


@pytest.mark.parametrize("way", ["DiffusionPipeline", "AutoPipelineForImage2Image"])
def test_from_pipe_carries_the_policy_over(attached: Any, way: str) -> None:
    attach(attached, Policy(prompt=PromptPolicy.COMMIT, weights=False))
    owner = diffusers.StableDiffusionImg2ImgPipeline
    made = (owner if way == "DiffusionPipeline" else getattr(diffusers, way)).from_pipe(attached)
    assert type(made).__name__ == "StableDiffusionImg2ImgPipeline"
    assert is_attached(made)
    detach(made)


def test_sharing_models_by_hand_is_announced(attached: Any) -> None:
    with pytest.warns(LostAttachmentWarning, match="until attach"):
        made = diffusers.StableDiffusionImg2ImgPipeline(**attached.components)
    assert not is_attached(made)


def test_after_detach_nothing_is_marked_and_nothing_warned(attached: Any) -> None:
    detach(attached)
    [image] = attached(**FEW, **SIZE).images
    assert _payload(image) is None
    assert type(attached) is diffusers.StableDiffusionPipeline
    detach(attached)
    diffusers.StableDiffusionImg2ImgPipeline(**attached.components)


def test_attaching_twice_marks_once(attached: Any) -> None:
    attach(attached, Policy(weights=False))
    [image] = attached(**FEW, **SIZE).images
    assert _payload(image) is not None


def test_a_policy_without_watermark_leaves_pixels_and_signs(
    stable_diffusion: Any, tmp_path: Path
) -> None:
    plain = stable_diffusion(**FEW, **SIZE, generator=torch.Generator().manual_seed(3)).images[0]
    attach(stable_diffusion, Policy(watermark="never", weights=False))
    image = stable_diffusion(**FEW, **SIZE, generator=torch.Generator().manual_seed(3)).images[0]
    detach(stable_diffusion)

    signed = save(image, tmp_path / "a.png")

    assert np.array_equal(np.asarray(image), np.asarray(plain))
    assert np.array_equal(Media.open(tmp_path / "a.png").pixels(), np.asarray(plain))
    assert signed.receipt.payload is None


def test_missing_keys_are_said_when_attaching(stable_diffusion: Any, keys: Path) -> None:
    (keys / "keys" / "watermark.key").unlink()
    with pytest.raises(KeysUnavailable):
        attach(stable_diffusion)
    assert not is_attached(stable_diffusion)


@pytest.mark.parametrize("thing", [lambda: None, object(), 3])
def test_what_is_no_pipeline(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="not a pipeline"):
        attach(thing)


@pytest.mark.parametrize(
    "wrong",
    [
        {"watermark": "sometimes"},
        {"prompt": "all"},
        {"strict_mask": "loose"},
        {"training": "perhaps"},
        {"strength": 0.0},
    ],
)
def test_policies_are_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Policy(**wrong)


@pytest.mark.parametrize("output", ["images", None])
def test_modular_pipelines_too(output: str | None, tmp_path: Path) -> None:
    from diffusers.modular_pipelines.stable_diffusion_xl import StableDiffusionXLAutoBlocks

    pipeline = StableDiffusionXLAutoBlocks().init_pipeline()
    parts = pipelines.two_encoders().components
    pipeline.update_components(**{name: part for name, part in parts.items() if part is not None})
    attach(pipeline, Policy(weights=False))

    result = pipeline(**FEW, **SIZE, output=output)

    images = result if output else result.values["images"]
    credentials = both_marks(save(images[0], tmp_path / "a.png"))
    assert assertion(credentials, "org.assay.generation")["steps"] == 2


def test_a_wrong_argument_fails_as_without_attach(attached: Any) -> None:
    with pytest.raises(TypeError, match="too many positional"):
        attached(*range(100))

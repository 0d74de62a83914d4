"""Gaussian Shading on noise alone, and through a tiny pipeline whose VAE was taught to invert."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKL
from PIL import Image
from scipy import stats

from assay.errors import ConfigurationError
from assay.provenance.generation.gaussian_shading import (
    CHECK_BITS,
    PAYLOAD_BITS,
    GaussianShading,
)

from . import pipelines

SHADING = GaussianShading(b"a key of sixteen bytes or more")
PAYLOAD = 0x123456789ABCDEF
SHAPE = (1, 4, 64, 64)
SETTINGS: dict[str, Any] = {"height": 128, "width": 128, "num_inference_steps": 10}


def test_marked_noise_is_normal_and_differs_each_time() -> None:
    first, second = SHADING.noise(PAYLOAD, SHAPE), SHADING.noise(PAYLOAD, SHAPE)
    assert first.dtype == np.float32
    assert first.shape == SHAPE
    assert stats.kstest(first.ravel(), "norm").pvalue > 1e-4
    assert stats.binomtest(int((first > 0).sum()), first.size).pvalue > 1e-4
    same_signs = (np.sign(first) == np.sign(second)).mean()
    assert same_signs < 0.6 or same_signs == 1.0  # one in 1024: the same stream was drawn


@pytest.mark.parametrize("payload", [0, PAYLOAD, (1 << PAYLOAD_BITS) - 1])
def test_payloads_read_back_from_noise(payload: int) -> None:
    noise = SHADING.noise(payload, (4, 32, 33))
    disturbed = noise + np.random.default_rng(1).standard_normal(noise.shape)
    found = SHADING.read(disturbed)
    assert found is not None
    assert found.payload == payload
    assert found.log10_false_alarm < -6


def test_neither_plain_noise_nor_another_key_is_taken_for_a_mark() -> None:
    random = np.random.default_rng(2)
    assert all(SHADING.read(random.standard_normal((4, 32, 32))) is None for _ in range(5))
    assert GaussianShading(b"another key of 16 bytes").read(SHADING.noise(1, SHAPE)) is None
    assert SHADING.read(np.full(SHAPE, 0.5)) is None  # a picture of one colour, inverted


def test_the_bound_on_false_alarms_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """One stream, so that the tail of the binomial distribution is the rate itself."""
    from assay.provenance.generation import gaussian_shading

    monkeypatch.setattr(gaussian_shading, "STREAMS", 1)
    monkeypatch.setattr(gaussian_shading, "LOG10_FALSE_ALARM", 0.0)
    random = np.random.default_rng(3)
    right = []
    for index in range(400):
        shading = GaussianShading(index.to_bytes(16, "little"))
        noise = random.standard_normal((4, 32, 32)) + 0.5  # not even centred
        found = shading.read(noise)
        assert found is not None
        right.append(round(found.check_accuracy * CHECK_BITS))
    expected = stats.binom(CHECK_BITS, 0.5)
    assert abs(np.mean(right) - expected.mean()) < 4 * expected.std() / 20
    assert abs(np.std(right) / expected.std() - 1) < 0.15


@pytest.fixture(scope="module")
def invertible() -> Any:
    """A tiny pipeline; its VAE had 80 steps of training to give back what it was given.

    A random VAE loses the latents and a real one returns them almost unchanged, so the figures
    here are below those of real models.
    """
    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=[16, 16],
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        mid_block_add_attention=False,
    )
    pipeline = pipelines.text_to_image(vae=vae)
    made = pipeline("", **SETTINGS, output_type="latent").images
    scale = vae.config.scaling_factor / made.std()  # of what a random U-Net arrives at
    optimiser = torch.optim.Adam(vae.parameters(), lr=4e-3)
    for _ in range(80):
        latents = torch.randn(4, 4, 12, 12)
        pictures = vae.decode(latents / scale).sample.clamp(-1, 1)
        returned = vae.encode(pictures).latent_dist.mean * scale
        optimiser.zero_grad()
        ((returned - latents) ** 2).mean().backward()
        optimiser.step()
    return pipeline


@pytest.fixture(scope="module")
def picture(invertible: Any) -> Image.Image:
    noise = SHADING.latents(invertible, PAYLOAD, height=128, width=128)
    made = invertible("a lighthouse", latents=noise, height=128, width=128, num_inference_steps=10)
    return made.images[0]  # type: ignore[no-any-return]


def jpeg(picture: Image.Image) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=80)
    return Image.open(buffer)


def scaled(picture: Image.Image) -> Image.Image:
    return picture.resize((96, 96), Image.Resampling.LANCZOS)


@pytest.mark.parametrize(
    ("edit", "bits"), [(None, 60), (jpeg, 57), (scaled, 57)], ids=["none", "jpeg80", "scaled"]
)
def test_a_picture_gives_its_payload_back(
    edit: Any, bits: int, invertible: Any, picture: Any
) -> None:
    edited = edit(picture) if edit else picture
    found = SHADING.detect(invertible, edited, size=(128, 128), steps=10)
    assert found is not None
    assert found.log10_false_alarm <= -6
    assert PAYLOAD_BITS - (found.payload ^ PAYLOAD).bit_count() >= bits


def test_unmarked_pictures_have_no_mark(invertible: Any) -> None:
    plain = invertible("a lighthouse", **SETTINGS).images[0]
    assert SHADING.detect(invertible, plain, steps=10) is None


def test_what_does_not_fit_is_refused(invertible: Any) -> None:
    with pytest.raises(ConfigurationError, match="bits"):
        SHADING.noise(1 << PAYLOAD_BITS, SHAPE)
    with pytest.raises(ConfigurationError, match="copies"):
        SHADING.latents(invertible, 1, height=8, width=8)
    with pytest.raises(ConfigurationError, match="too short"):
        GaussianShading(b"short")
    with pytest.raises(ConfigurationError, match="Stable Diffusion"):
        SHADING.latents(pipelines.two_encoders(), 1, height=64, width=64)

"""Every kind of picture, to pixels and back, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from assay.provenance.generation import UnusablePicture
from assay.provenance.generation.outputs import change_each, count
from assay.provenance.generation.pixels import like, to_pixels

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 12, 3)).astype(np.uint8)


def _kinds() -> dict[str, Any]:
    unit = PIXELS.astype(np.float32) / 255
    first = torch.from_numpy(unit.transpose(2, 0, 1).copy())
    return {
        "PIL": Image.fromarray(PIXELS),
        "uint8": PIXELS,
        "float32": unit,
        "float16": unit.astype(np.float16),
        "tensor CHW": first,
        "tensor HWC": torch.from_numpy(unit),
        "half tensor": first.half(),
        "uint8 tensor": torch.from_numpy(PIXELS),
    }


@pytest.mark.parametrize("kind", _kinds())
def test_every_kind_survives_the_way_there_and_back(kind: str) -> None:
    picture = _kinds()[kind]
    assert np.array_equal(to_pixels(picture), PIXELS)

    again = like(picture, PIXELS)

    assert type(again) is type(picture)
    if not isinstance(picture, Image.Image):
        assert again.shape == picture.shape
        assert again.dtype == picture.dtype
    assert np.array_equal(to_pixels(again), PIXELS)


def test_minus_one_to_one_is_understood() -> None:
    signed = PIXELS.astype(np.float32) / 127.5 - 1
    assert np.array_equal(to_pixels(signed), PIXELS)


def test_grey_becomes_rgb_and_returns_grey() -> None:
    grey = PIXELS[..., 0]
    assert np.array_equal(to_pixels(grey)[..., 2], grey)
    assert like(grey, PIXELS).shape == grey.shape


def test_alpha_is_kept() -> None:
    rgba = Image.fromarray(PIXELS).convert("RGBA")
    assert to_pixels(rgba).shape == (10, 12, 4)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (np.full((8, 8, 3), np.nan, np.float32), "NaN"),
        (np.full((8, 8, 3), np.inf, np.float32), "NaN or infinite"),
        (torch.full((3, 8, 8), float("nan")), "NaN"),
        (np.zeros((0, 8, 3), np.uint8), "not a picture"),
        (np.zeros((8, 8, 3), np.float32) + 7, "expected 0 to 1"),
        (np.zeros((8, 8, 3), np.int64), "dtype"),
        (torch.zeros(16, 8, 8), "not a finished picture"),
        (np.zeros((8, 8, 7), np.float32), "not a finished picture"),
        ("text", "not a picture"),
    ],
)
def test_what_is_no_picture_is_refused(bad: Any, why: str) -> None:
    with pytest.raises(UnusablePicture, match=why):
        to_pixels(bad)


def test_latents_are_told_what_to_do() -> None:
    with pytest.raises(UnusablePicture) as caught:
        to_pixels(torch.zeros(16, 8, 8))
    assert caught.value.advice is not None
    assert "VAE" in caught.value.advice


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([Image.new("RGB", (8, 8))] * 3, "images", 3),
        (np.zeros((2, 8, 8, 3), np.float32), "images", 2),
        (torch.zeros(2, 3, 8, 8), "images", 2),
        (np.zeros((8, 8, 3), np.float32), "images", 1),
        ([[Image.new("RGB", (8, 8))] * 4] * 2, "frames", 2),
        ([Image.new("RGB", (8, 8))] * 4, "frames", 1),
        (np.zeros((2, 5, 8, 8, 3), np.float32), "frames", 2),
        (torch.zeros(5, 3, 8, 8), "frames", 1),
        (torch.zeros(1, 768), "images", 1),
        (None, "images", 0),
        ("text", "frames", 0),
    ],
)
def test_pictures_and_clips_are_found(value: Any, kind: Any, expected: int) -> None:
    assert count(value, kind) == expected


@pytest.mark.parametrize("kind", ["images", "frames"])
def test_containers_keep_their_type(kind: Any) -> None:
    values = (
        [Image.new("RGB", (8, 8))],
        (Image.new("RGB", (8, 8)),),
        np.ones((2, 8, 8, 3), np.float32),
        torch.ones(2, 3, 8, 8),
    )
    for value in values:
        same = change_each(value, kind, lambda item: item)
        assert type(same) is type(value)
        assert len(same) == len(value)

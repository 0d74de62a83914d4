"""The decorator, for generators that are no diffusers pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.provenance.generation import (
    Policy,
    UnmarkedOutput,
    UnmarkedOutputWarning,
    marked,
    save,
)

from .conftest import assertion, both_marks

Pixels = np.ndarray


def test_one_picture(astronaut: Pixels, tmp_path: Path) -> None:
    @marked(generator="my sampler 3")
    def sample(size: int) -> Image.Image:
        """Docstring."""
        return Image.fromarray(astronaut).resize((size, size))

    image = sample(size=256)

    assert sample.__doc__ == "Docstring."
    credentials = both_marks(save(image, tmp_path / "a.png"))
    assert credentials.actions[0].agent == "my sampler 3"
    assert assertion(credentials, "org.assay.generation")["model"] == "my sampler 3"


def test_many_pictures_in_any_container(astronaut: Pixels, tmp_path: Path) -> None:
    @marked()
    def sample() -> tuple[Pixels, list[Pixels]]:
        return astronaut, [astronaut[::-1], astronaut[:, ::-1]]

    first, (second, third) = sample()

    saved = [save(p, tmp_path / f"{n}.png") for n, p in enumerate((first, second, third))]
    assert len({signed.receipt.payload for signed in saved}) == 3
    assert both_marks(saved[2]).actions[0].agent == "sample"


def test_frames(astronaut: Pixels, tmp_path: Path) -> None:
    @marked(kind="frames")
    def film() -> list[Image.Image]:
        return [Image.fromarray(astronaut).crop((x, 0, x + 256, 256)) for x in range(6)]

    signed = save(film(), tmp_path / "a.mp4", fps=12)

    assert signed.media.frames == 6
    both_marks(signed)


def test_a_picture_too_small_for_a_mark(astronaut: Pixels, tmp_path: Path) -> None:
    @marked()
    def icon() -> Image.Image:
        return Image.fromarray(astronaut).resize((64, 64))

    with pytest.warns(UnmarkedOutputWarning, match="96"):
        image = icon()
    with pytest.raises(UnmarkedOutput, match="96"):
        save(image, tmp_path / "a.png")

    @marked(policy=Policy(watermark="when-possible"))
    def small() -> Image.Image:
        return Image.fromarray(astronaut).resize((64, 64))

    signed = save(small(), tmp_path / "b.png")
    assert signed.receipt.payload is None


def test_coroutines_and_generators_are_followed(astronaut: Pixels, tmp_path: Path) -> None:
    @marked()
    async def later() -> Pixels:
        return astronaut

    @marked()
    def one_by_one() -> Iterator[Pixels]:
        yield astronaut[::-1]
        yield astronaut[:, ::-1]

    @marked()
    async def one_by_one_later() -> AsyncIterator[Pixels]:
        yield astronaut[::-1, ::-1]

    async def gathered() -> list[Pixels]:
        return [await later(), *[item async for item in one_by_one_later()]]

    pictures = [*asyncio.run(gathered()), *one_by_one()]

    for number, picture in enumerate(pictures):
        both_marks(save(picture, tmp_path / f"{number}.png"))
    assert number == 3


def test_what_holds_no_pixels_is_left_alone_and_announced() -> None:
    @marked()
    def nothing() -> dict[str, int]:
        return {"a": 1}

    with pytest.warns(UnmarkedOutputWarning, match="no images"):
        assert nothing() == {"a": 1}

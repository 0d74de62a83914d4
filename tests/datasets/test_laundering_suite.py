"""The laundering suite's contract: named, documented, repeatable, uint8 in and out."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.datasets.laundering_beyond import BEYOND, autoencoder_edits
from assay.datasets.laundering_suite import SUITE, Edit

EDITS = [*SUITE.values(), *BEYOND.values()]


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    ramp = np.add.outer(np.arange(120), 2 * np.arange(160)) % 256
    noise = np.random.default_rng(1).integers(0, 40, (120, 160, 3))
    return np.clip(ramp[..., None] * 0.8 + noise, 0, 255).astype(np.uint8)


def test_with_the_autoencoder_there_are_47() -> None:
    assert len(SUITE) + len(autoencoder_edits(lambda pixels: pixels)) == 47


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_edit_keeps_its_contract(edit: Edit, pixels: NDArray[np.uint8]) -> None:
    before = pixels.copy()
    once, again = edit(pixels, 5), edit(pixels, 5)
    assert once.dtype == np.uint8
    assert once.ndim == 3
    assert once.shape[2] == 3
    assert once.flags["C_CONTIGUOUS"]
    assert (once == again).all()
    assert (pixels == before).all()
    assert edit.description
    assert (edit.name == "none") == (once.shape == pixels.shape and bool((once == pixels).all()))


@pytest.mark.parametrize("name", ["noise-5", "crop-25-anywhere", "warp-1.5", "five-rounds"])
def test_seeds_differ(name: str, pixels: NDArray[np.uint8]) -> None:
    edit = {**SUITE, **BEYOND}[name]
    first, second = edit(pixels, 1), edit(pixels, 2)
    assert first.shape != second.shape or (first != second).any()


def test_names_are_the_keys() -> None:
    assert all(name == edit.name for name, edit in (SUITE | dict(BEYOND)).items())


def test_crop_keeps_its_share(pixels: NDArray[np.uint8]) -> None:
    assert SUITE["crop-25"](pixels).shape == (60, 80, 3)
    assert (SUITE["crop-25"](pixels) == pixels[30:90, 40:120]).all()


def test_autoencoder_sees_sides_of_eight() -> None:
    seen: list[tuple[int, ...]] = []

    def reconstruct(values: NDArray[np.float32]) -> NDArray[np.float32]:
        seen.append(values.shape)
        return values

    picture = np.full((45, 50, 3), 100, np.uint8)
    result = autoencoder_edits(reconstruct)["vae"](picture)
    assert seen == [(40, 48, 3)]
    assert (result == 100).all()


@pytest.mark.parametrize(
    "wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((4, 4, 4), np.uint8)]
)
def test_other_arrays_are_refused(wrong: NDArray[np.generic]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        SUITE["none"](wrong)  # type: ignore[arg-type]

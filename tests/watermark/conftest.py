"""Synthetic pictures: smooth colour, texture and edges, made without any file."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from assay import watermark

PAYLOAD = 0x0123_4567_89AB_CDE


def paint(height: int, width: int, seed: int = 1) -> NDArray[np.uint8]:
    """A picture with a sky-like gradient, noise of several scales and a few hard edges."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    plane = 90 + 60 * y / height + 20 * np.sin(x / 47)
    for size, amplitude in ((31, 18.0), (9, 9.0), (3, 6.0)):
        rough = cv2.GaussianBlur(generator.normal(0, 1, (height, width)), (0, 0), size / 3)
        plane = plane + amplitude * rough / rough.std() * (x > width * 0.4)
    plane[int(height * 0.7) :, : int(width * 0.3)] = 60
    colours = np.stack([plane + 10, plane, plane * 0.9], axis=2)
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scene() -> NDArray[np.uint8]:
    """0.2 megapixels."""
    return paint(400, 512)


@pytest.fixture(scope="session")
def large_scene() -> NDArray[np.uint8]:
    """0.6 megapixels."""
    return paint(700, 900)


@pytest.fixture(scope="session")
def marked(scene: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """`scene` with PAYLOAD under the public key."""
    result = watermark.embed(scene, PAYLOAD)
    assert result.dtype == np.uint8
    return result.astype(np.uint8)

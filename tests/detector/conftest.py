"""A small labelled corpus made of bundled photographs and of procedural "generators"."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from skimage import data

from assay.datasets.manifests import Row, write_manifest

SIDE = 420


def _photographs() -> dict[str, np.ndarray]:
    names = ("astronaut", "chelsea", "coffee", "rocket", "retina", "immunohistochemistry")
    return {name: getattr(data, name)()[..., :3] for name in names}


def _piece(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random square of the picture at 420 px."""
    side = min(picture.shape[:2])
    side = int(rng.integers(side * 3 // 4, side + 1))
    top = int(rng.integers(0, picture.shape[0] - side + 1))
    left = int(rng.integers(0, picture.shape[1] - side + 1))
    piece = picture[top : top + side, left : left + side]
    return cv2.resize(piece, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def _upsampled(interpolation: int) -> Callable[[np.ndarray], np.ndarray]:
    def apply(piece: np.ndarray) -> np.ndarray:
        half = cv2.resize(piece, (SIDE // 2, SIDE // 2), interpolation=cv2.INTER_AREA)
        return cv2.resize(half, (SIDE, SIDE), interpolation=interpolation)

    return apply


# Four ways in which a decoder enlarges feature maps.
FAMILIES = {
    "nearest-decoder": _upsampled(cv2.INTER_NEAREST),
    "linear-decoder": _upsampled(cv2.INTER_LINEAR),
    "cubic-decoder": _upsampled(cv2.INTER_CUBIC),
    "lanczos-decoder": _upsampled(cv2.INTER_LANCZOS4),
}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of 6 real sources and 4 generator families, 6 pictures each."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    photographs = _photographs()
    rows = []
    for name, picture in photographs.items():
        for number in range(6):
            path = folder / f"{name}-{number}.png"
            Image.fromarray(_piece(picture, rng)).save(path)
            rows.append(Row(path, "real", source=name, licence="bundled"))
    pictures = list(photographs.values())
    for name, enlarge in FAMILIES.items():
        for number in range(6):
            path = folder / f"{name}-{number}.png"
            Image.fromarray(enlarge(_piece(pictures[number], rng))).save(path)
            rows.append(Row(path, "generated", generator=name, source=f"made-by-{name}"))
    write_manifest(rows, folder / "manifest.csv")
    return folder / "manifest.csv"

"""Tiny pipelines, built once, and base images."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.media import Media
from assay.provenance.credentials import Credentials
from assay.provenance.generation import Policy, attach, detach
from assay.provenance.keys import watermark_key
from assay.provenance.marking import Signed
from assay.provenance.reading import read
from assay.provenance.watermarking import find

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what torch and diffusers say about themselves on import
    from . import pipelines

HERE = Path(__file__).parent
SIDE = 192
FEW: dict[str, Any] = {"prompt": "a lighthouse", "num_inference_steps": 2}
SIZE: dict[str, Any] = {"height": SIDE, "width": SIDE}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deprecations inside diffusers and transformers are theirs to mend."""
    for item in items:
        if HERE in item.path.parents:
            for kind in ("DeprecationWarning", "FutureWarning"):
                for library in ("diffusers", "transformers"):
                    item.add_marker(pytest.mark.filterwarnings(rf"ignore::{kind}:{library}\..*"))


@pytest.fixture(autouse=True)
def keys(home: Path) -> Path:
    """Every test signs."""
    return home


@pytest.fixture(scope="session")
def stable_diffusion() -> Any:
    """One text-to-image pipeline for the session; `attached` hands it out."""
    return pipelines.text_to_image()


@pytest.fixture(scope="session")
def inpainter() -> Any:
    return pipelines.inpainting()


@pytest.fixture
def attached(stable_diffusion: Any) -> Any:
    """The text-to-image pipeline, attached for one test."""
    yield attach(stable_diffusion, Policy(weights=False))
    detach(stable_diffusion)


@pytest.fixture
def photograph(tmp_path: Path, astronaut: np.ndarray) -> Path:
    """A photograph of a size that the tiny pipelines take."""
    path = tmp_path / "photograph.png"
    Image.fromarray(astronaut).resize((SIDE, SIDE)).save(path)
    return path


@pytest.fixture
def mask() -> Image.Image:
    """White where the middle of the photograph may change."""
    picture = Image.new("L", (SIDE, SIDE))
    picture.paste(255, (24, 24, 168, 168))
    return picture


def both_marks(signed: Signed) -> Credentials:
    """The credentials of a saved file, after checking that its two marks name each other."""
    assert signed.path is not None
    media = Media.open(signed.path)
    credentials = read(media)
    found = find(media, key=watermark_key())
    assert credentials.state == "trusted"
    assert found is not None
    assert credentials.watermark_payload is not None
    assert found.payload == credentials.watermark_payload & ((1 << found.payload_bits) - 1)
    return credentials


def assertion(credentials: Credentials, label: str) -> dict[str, Any]:
    """Data of one assertion of the active manifest."""
    manifest = credentials.raw["reader"]["manifests"][credentials.manifest_label]
    [found] = [entry["data"] for entry in manifest["assertions"] if entry["label"] == label]
    return dict(found)


Build = Callable[[], Any]

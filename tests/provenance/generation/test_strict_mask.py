"""Outside a strict mask nothing changes, and the finished file proves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.errors import OutputRefused
from assay.media import Media
from assay.provenance.generation import (
    Policy,
    StrictMaskFailed,
    UnmarkedOutput,
    UnmarkedOutputWarning,
    attach,
    detach,
    load_image,
    save,
)
from assay.provenance.generation.strict_mask import Region
from assay.provenance.matching import Registry
from assay.provenance.reading import read
from assay.provenance.vocabulary import FINGERPRINT_ALGORITHM
from assay.settings import settings

from .conftest import FEW, SIDE, assertion, both_marks


@pytest.fixture(params=["inside", "fingerprint"])
def mode(request: pytest.FixtureRequest) -> Any:
    return request.param


def _inpainted(
    inpainter: Any, mode: Any, base: Any, mask: Image.Image, output_type: str = "pil"
) -> Any:
    attach(inpainter, Policy(strict_mask=mode, weights=False))
    try:
        result = inpainter(**FEW, image=base, mask_image=mask, output_type=output_type)
    finally:
        detach(inpainter)
    return result.images[0]


def _outside(path: Path, photograph: Path, mask: Image.Image) -> tuple[int, int]:
    """Pixels that differ outside and inside the mask, from the files alone."""
    with Image.open(path) as finished, Image.open(photograph) as base:
        differs = (np.asarray(finished) != np.asarray(base.convert("RGB"))).any(axis=2)
    inside = np.asarray(mask) >= 128
    return int((differs & ~inside).sum()), int((differs & inside).sum())


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tiff"])
def test_pixels_outside_are_those_of_the_base(
    inpainter: Any, mode: Any, photograph: Path, mask: Image.Image, tmp_path: Path, name: str
) -> None:
    image = _inpainted(inpainter, mode, load_image(photograph), mask)
    signed = save(image, tmp_path / name)

    outside, inside = _outside(tmp_path / name, photograph, mask)
    assert outside == 0
    assert inside > 10_000
    credentials = both_marks(signed) if mode == "inside" else read(signed.media)
    assert credentials.state == "trusted"
    assert credentials.origin == "edited"


def test_arrays_keep_them_too(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    image = _inpainted(inpainter, "inside", load_image(photograph), mask, "np")
    both_marks(save(image, tmp_path / "a.png"))
    assert _outside(tmp_path / "a.png", photograph, mask)[0] == 0


def test_mode_and_region_are_in_the_manifest(
    inpainter: Any, mode: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    signed = save(_inpainted(inpainter, mode, load_image(photograph), mask), tmp_path / "a.png")

    credentials = read(signed.media)
    told = assertion(credentials, "org.assay.strict-mask")
    assert told["watermark"] == mode
    assert told["pixels"] == 144 * 144
    manifest = credentials.raw["reader"]["manifests"][credentials.manifest_label]
    [actions] = [a["data"]["actions"] for a in manifest["assertions"] if "actions" in a["label"]]
    [change] = [action["changes"] for action in actions if "changes" in action]
    shape = change[0]["region"][0]["shape"]
    assert (shape["origin"], shape["width"], shape["height"]) == (
        {"x": 24.0, "y": 24.0},
        144.0,
        144.0,
    )
    bindings = [binding.alg for binding in credentials.soft_bindings]
    assert (FINGERPRINT_ALGORITHM in bindings) == (mode == "fingerprint")
    assert [str(part.relationship) for part in credentials.ingredients] == ["parentOf", "inputTo"]


def test_without_a_watermark_the_registry_still_finds_the_manifest(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    image = _inpainted(inpainter, "fingerprint", load_image(photograph), mask)
    signed = save(image, tmp_path / "a.png")
    stripped = Media.open(tmp_path / "a.png").pixels()
    with Registry(settings().registry_url) as registry:
        found = [candidate.record.label for candidate in registry.recover(stripped)]
    assert signed.receipt.manifest_label in found


def test_a_pixel_outside_stops_the_release(
    inpainter: Any, photograph: Path, mask: Image.Image
) -> None:
    base = load_image(photograph)
    from assay.provenance.generation.sources import source_of

    region = Region.of(source_of(base), mask, "inside")
    pixels = np.asarray(base).copy()
    region.check(_media(pixels))
    pixels[100, 100] ^= 255
    region.check(_media(pixels))
    pixels[0, 0, 2] ^= 1
    with pytest.raises(StrictMaskFailed, match="1 pixels outside"):
        region.check(_media(pixels))


def _media(pixels: np.ndarray) -> Media:
    from assay.encoding import encode_png

    return Media.from_bytes(encode_png(pixels))


def test_lossy_names_are_refused(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    image = _inpainted(inpainter, "inside", load_image(photograph), mask)
    with pytest.raises(OutputRefused, match="lossless"):
        save(image, tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()


def test_a_tiny_mask_holds_no_watermark_but_a_fingerprint(
    inpainter: Any, photograph: Path, tmp_path: Path
) -> None:
    mask = Image.new("L", (SIDE, SIDE))
    mask.putpixel((90, 90), 255)
    base = load_image(photograph)
    with pytest.warns(UnmarkedOutputWarning, match="does not read back from the 1 masked"):
        image = _inpainted(inpainter, "inside", base, mask)
    with pytest.raises(UnmarkedOutput, match="1 masked pixels") as caught:
        save(image, tmp_path / "a.png")
    assert "fingerprint" in str(caught.value.advice)

    save(_inpainted(inpainter, "fingerprint", base, mask), tmp_path / "b.png")
    outside, inside = _outside(tmp_path / "b.png", photograph, mask)
    assert outside == 0
    assert inside <= 1


@pytest.mark.parametrize(
    ("mask", "why"),
    [
        (Image.new("L", (SIDE, SIDE)), "selects no pixel"),
        (Image.new("L", (SIDE, 100), 255), "the mask has 192 x 100"),
        (np.zeros((SIDE, SIDE), np.float32), "selects no pixel"),
    ],
)
def test_masks_that_cannot_be_meant(inpainter: Any, photograph: Path, mask: Any, why: str) -> None:
    with pytest.raises(StrictMaskFailed, match=why):
        _inpainted(inpainter, "inside", load_image(photograph), mask)


@pytest.mark.parametrize("kind", ["alpha", "CMYK", "16 bits"])
def test_bases_that_cannot_be_kept_exactly(
    inpainter: Any, astronaut: np.ndarray, mask: Image.Image, tmp_path: Path, kind: str
) -> None:
    picture = Image.fromarray(astronaut).resize((SIDE, SIDE))
    path = tmp_path / "base.png"
    if kind == "alpha":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
        picture.save(path)
    elif kind == "CMYK":
        path = tmp_path / "base.jpg"
        picture.convert("CMYK").save(path)
    else:
        grey = np.asarray(picture.convert("L"), np.uint16) * 250
        Image.fromarray(grey).save(path)
    with pytest.raises(StrictMaskFailed, match="not kept exactly"):
        _inpainted(inpainter, "inside", load_image(path), mask)


def test_a_base_that_was_resized_is_refused(
    inpainter: Any, photograph: Path, mask: Image.Image
) -> None:
    base = load_image(photograph).rotate(90)
    with pytest.raises(StrictMaskFailed, match="changed after it was loaded"):
        _inpainted(inpainter, "inside", base, mask)


def test_without_strictness_the_vae_changes_everything(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    """What the strict mask is for."""
    attach(inpainter, Policy(weights=False))
    result = inpainter(
        **FEW, image=load_image(photograph), mask_image=mask, height=SIDE, width=SIDE
    )
    detach(inpainter)
    both_marks(save(result.images[0], tmp_path / "a.png"))
    assert _outside(tmp_path / "a.png", photograph, mask)[0] > 1000

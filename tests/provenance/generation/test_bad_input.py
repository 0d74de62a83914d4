"""What goes wrong in production: nothing is lost, nothing leaves unmarked."""

from __future__ import annotations

import datetime as dt
import resource
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from PIL import Image

import assay
from assay.errors import InputRefused, KeysUnavailable, OutputRefused, UnreadableFile
from assay.media import Media
from assay.provenance import certificates
from assay.provenance import keys as key_store
from assay.provenance.generation import (
    Policy,
    UnmarkedOutput,
    UnmarkedOutputWarning,
    UnusablePicture,
    attach,
    detach,
    load_image,
    marked,
    save,
)
from assay.provenance.manifests import Agent, captured
from assay.provenance.reading import read
from assay.provenance.signing import sign_bytes

from . import pipelines
from .conftest import FEW, SIDE, SIZE, both_marks


def test_nan_pictures_do_not_cost_the_rest_of_the_batch(
    astronaut: np.ndarray, tmp_path: Path
) -> None:
    good = astronaut.astype(np.float32) / 255

    @marked()
    def overflowing() -> np.ndarray:
        return np.stack([good, np.full_like(good, np.nan), good[::-1]])

    with pytest.warns(UnmarkedOutputWarning, match="NaN"):
        first, second, third = overflowing()

    both_marks(save(first, tmp_path / "a.png"))
    with pytest.raises(UnusablePicture, match="NaN"):
        save(second, tmp_path / "b.png")
    both_marks(save(third, tmp_path / "c.png"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "c.png"]


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_a_pipeline_that_overflows_is_refused(tmp_path: Path) -> None:
    pipeline = pipelines.text_to_image()
    with torch.no_grad():
        pipeline.vae.decoder.conv_out.bias.fill_(float("nan"))
    attach(pipeline)
    with pytest.warns(UnmarkedOutputWarning, match="same colour"):
        [image] = pipeline(**FEW, **SIZE).images
    with pytest.raises(UnmarkedOutput, match="same colour"):
        save(image, tmp_path / "a.png")


def test_what_a_safety_checker_blanked_is_refused(tmp_path: Path) -> None:
    class BlanksTheFirst:
        def __call__(self, prompt: str) -> Any:
            from diffusers.pipelines.stable_diffusion import StableDiffusionPipelineOutput

            rng = np.random.default_rng(0)
            black = Image.new("RGB", (256, 256))
            other = Image.fromarray(rng.integers(0, 256, (256, 256, 3)).astype(np.uint8))
            return StableDiffusionPipelineOutput([black, other], [True, False])

    pipeline = attach(BlanksTheFirst())
    with pytest.warns(UnmarkedOutputWarning, match="safety checker"):
        result = pipeline("a")
    with pytest.raises(UnmarkedOutput, match="safety checker"):
        save(result.images[0], tmp_path / "a.png")
    both_marks(save(result.images[1], tmp_path / "b.png"))


@pytest.mark.parametrize(
    "nothing", [np.zeros((0, 0, 3), np.uint8), [], None, "text", torch.zeros(4, 64, 64) + 9]
)
def test_nothing_to_save(nothing: Any, tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture):
        save(nothing, tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.bmp", "a.gif", "a", "a.webm"])
def test_names_that_cannot_carry_both_marks(
    astronaut: np.ndarray, tmp_path: Path, name: str
) -> None:
    with pytest.raises(OutputRefused, match="not a format"):
        save(astronaut, tmp_path / name)


def test_several_pictures_under_one_name(astronaut: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match="2 pictures"):
        save([astronaut, astronaut], tmp_path / "a.png")
    with pytest.raises(OutputRefused, match="one picture"):
        save(astronaut, tmp_path / "a.mp4")


def test_frames_of_different_size(astronaut: np.ndarray, tmp_path: Path) -> None:
    with pytest.raises(UnusablePicture, match="differ in size"):
        save([astronaut, astronaut[:100]], tmp_path / "a.mp4")


@pytest.mark.parametrize("kind", ["alpha", "CMYK", "palette"])
def test_unusual_base_images_become_ingredients(
    inpainter: Any, astronaut: np.ndarray, mask: Image.Image, tmp_path: Path, kind: str
) -> None:
    picture = Image.fromarray(astronaut).resize((SIDE, SIDE))
    path = tmp_path / ("base.jpg" if kind == "CMYK" else "base.png")
    if kind == "alpha":
        picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    else:
        picture = picture.convert("CMYK" if kind == "CMYK" else "P")
    picture.save(path)

    attach(inpainter, Policy(weights=False))
    [image] = inpainter(**FEW, image=load_image(path), mask_image=mask, **SIZE).images
    detach(inpainter)

    credentials = both_marks(save(image, tmp_path / "out.png"))
    assert [part.title for part in credentials.ingredients] == ["base image", "mask"]


def test_a_base_image_that_is_none(tmp_path: Path, video: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(InputRefused):
        load_image(tmp_path / "a.png")
    with pytest.raises(UnreadableFile):
        load_image(tmp_path / "missing.png")
    with pytest.raises(InputRefused, match="video"):
        load_image(video)


def _signed_base(path: Path, photograph: Path) -> Path:
    media = Media.open(photograph)
    path.write_bytes(sign_bytes(media, captured(Agent("camera"))))
    return path


def _varied(inpainter: Any, base: Path, mask: Image.Image) -> Image.Image:
    attach(inpainter, Policy(weights=False))
    [image] = inpainter(**FEW, image=load_image(base), mask_image=mask, **SIZE).images
    detach(inpainter)
    return image  # type: ignore[no-any-return]


def test_the_base_image_s_own_manifest_goes_along(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    base = _signed_base(tmp_path / "base.png", photograph)
    credentials = both_marks(save(_varied(inpainter, base, mask), tmp_path / "out.png"))
    parent = credentials.ingredients[0]
    assert parent.manifest_label == read(base).manifest_label
    assert parent.state == "trusted"
    assert credentials.origin == "edited"


def test_an_invalid_base_manifest_is_never_laundered_into_trust(
    inpainter: Any, photograph: Path, mask: Image.Image, tmp_path: Path
) -> None:
    base = _signed_base(tmp_path / "base.png", photograph)
    tampered = tmp_path / "tampered.png"
    comment = b"tEXtcomment\x00added after signing"
    chunk = struct.pack(">I", len(comment) - 4) + comment + struct.pack(">I", zlib.crc32(comment))
    tampered.write_bytes(base.read_bytes()[:-12] + chunk + base.read_bytes()[-12:])
    assert read(tampered).state == "invalid"

    image = _varied(inpainter, tampered, mask)
    signed = save(image, tmp_path / "out.png")

    credentials = both_marks(signed)
    assert [part.state for part in credentials.broken_ingredients] == ["invalid"]
    verdict = assay.verify(tmp_path / "out.png").verdict
    assert verdict.category == "altered"


def test_the_base_image_is_never_written_over(
    inpainter: Any, photograph: Path, mask: Image.Image
) -> None:
    before = photograph.read_bytes()
    image = _varied(inpainter, photograph, mask)
    with pytest.raises(OutputRefused, match="is the source"):
        save(image, photograph)
    assert photograph.read_bytes() == before


def test_a_full_disk_in_the_middle_of_a_batch(attached: Any, tmp_path: Path) -> None:
    """A limit on file size stands in for the disk: the write fails half-way just so."""
    images = attached(**FEW, height=512, width=512, num_images_per_prompt=3).images
    save(images[0], tmp_path / "0.png")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        with pytest.raises(OutputRefused):
            save(images[1], tmp_path / "1.png")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]

    for number in (1, 2):
        both_marks(save(images[number], tmp_path / f"{number}.png"))


def test_a_key_that_expires_in_the_middle_of_a_batch(
    attached: Any, keys: Path, tmp_path: Path
) -> None:
    images = attached(**FEW, **SIZE, num_images_per_prompt=2).images
    save(images[0], tmp_path / "0.png")
    _install_leaf(keys / "keys", dt.datetime.now(dt.UTC) - dt.timedelta(days=1))

    with pytest.raises(KeysUnavailable, match="expired"):
        save(images[1], tmp_path / "1.png")
    assert [path.name for path in tmp_path.iterdir()] == ["0.png"]

    key_store.renew()
    both_marks(save(images[1], tmp_path / "1.png"))


def _install_leaf(folder: Path, not_before: dt.datetime) -> None:
    """A signing certificate that was valid for one day from about `not_before`."""
    [issuer] = certificates.load_chain((folder / key_store.ISSUER_CERTIFICATE).read_bytes())
    key = load_pem_private_key((folder / key_store.ISSUER_KEY).read_bytes(), password=None)
    leaf = certificates.make_leaf(
        certificates.Issued(issuer, key),  # type: ignore[arg-type]
        now=not_before,
        days=1,
    )
    chain = certificates.to_pem(leaf.certificate) + certificates.to_pem(issuer)
    (folder / key_store.SIGNER_CHAIN).write_bytes(chain)
    (folder / key_store.SIGNER_KEY).write_bytes(certificates.key_to_pem(leaf.key))

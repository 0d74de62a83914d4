"""Signing end to end: both marks read back, the source untouched, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import assay
from assay.errors import AlreadyMarked, ConfigurationError, KeysUnavailable, UnsupportedMedia
from assay.media import Media
from assay.provenance import keys, read
from assay.provenance.keys import watermark_key
from assay.provenance.matching import Registry
from assay.settings import settings
from assay.watermark import detect


@pytest.fixture(autouse=True)
def development_keys() -> None:
    keys.init()


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tiff", "a.avif", "a.heic"])
def test_both_marks_read_back_and_name_each_other(
    save: Callable[..., Path], astronaut: np.ndarray, tmp_path: Path, name: str
) -> None:
    source = save(astronaut, name)
    before = source.read_bytes()

    signed = assay.sign(source, out=tmp_path / f"signed-{name}", generator="test model")

    assert source.read_bytes() == before
    media = Media.open(tmp_path / f"signed-{name}")
    credentials = read(media)
    found = detect(media.pixels(), key=watermark_key())
    assert credentials.state == "trusted"
    assert credentials.manifest_label == signed.receipt.manifest_label
    assert credentials.origin == "generated"
    assert found is not None
    assert signed.receipt.payload == f"{credentials.watermark_payload:015x}"
    assert int(signed.receipt.payload, 16) & ((1 << found.payload_bits) - 1) == found.payload
    assert media.sha256 == signed.receipt.sha256_after


def test_the_registry_knows_the_manifest(astronaut: np.ndarray) -> None:
    signed = assay.sign(astronaut)

    with Registry(settings().registry_url) as registry:
        record = registry.manifest(signed.receipt.manifest_label)
    assert signed.receipt.payload is not None
    assert record.payload == int(signed.receipt.payload, 16)
    assert record.origin == "generated"
    assert signed.receipt.manifest_label.encode() in record.manifest


def test_only_a_registry_that_was_opened_here_is_closed(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[Registry] = []
    close = Registry.close
    monkeypatch.setattr(Registry, "close", lambda self: (closed.append(self), close(self)))
    assay.sign(astronaut)
    assert len(closed) == 1
    with Registry(settings().registry_url) as registry:
        label = assay.sign(astronaut, registry=registry).receipt.manifest_label
        assert len(closed) == 1
        assert registry.manifest(label)


def test_the_receipt_has_hashes_that_partners_can_compare(astronaut: np.ndarray) -> None:
    import imagehash

    signed = assay.sign(astronaut)

    theirs = imagehash.phash(Image.fromarray(astronaut), hash_size=16)
    ours = imagehash.hex_to_hash(signed.receipt.fingerprints["imagehash.phash"])
    assert theirs - ours <= 16
    assert set(signed.receipt.fingerprints) == {"pdq", "imagehash.phash", "imagehash.dhash"}


def test_profiles_tell_different_stories(
    astronaut: np.ndarray, save: Callable[..., Path], tmp_path: Path
) -> None:
    parent = save(astronaut, "parent.png")
    edit = astronaut.copy()
    edit[100:200, 100:200] = 255 - edit[100:200, 100:200]

    captured = assay.sign(astronaut, profile="captured", generator="a camera")
    edited = assay.sign(edit, profile="edited", generator="an editor", parent=parent)

    assert read(captured.media).origin == "captured"
    credentials = read(edited.media)
    assert credentials.origin == "edited"
    assert [part.relationship for part in credentials.ingredients] == ["parentOf"]


def test_an_edit_needs_its_parent(astronaut: np.ndarray) -> None:
    with pytest.raises(ConfigurationError, match="needs the picture that was edited"):
        assay.sign(astronaut, profile="edited")


def test_an_unknown_profile_is_refused(astronaut: np.ndarray) -> None:
    with pytest.raises(ConfigurationError, match="not one of"):
        assay.sign(astronaut, profile="invented")


def test_a_signed_picture_is_not_signed_again(astronaut: np.ndarray) -> None:
    signed = assay.sign(astronaut)
    with pytest.raises(AlreadyMarked, match="Content Credentials"):
        assay.sign(signed.media)


def test_a_stripped_copy_is_not_marked_again(astronaut: np.ndarray) -> None:
    stripped = assay.sign(astronaut).media.pixels()
    with pytest.raises(AlreadyMarked):
        assay.sign(stripped)


def test_without_the_watermark_pixels_are_untouched(astronaut: np.ndarray) -> None:
    signed = assay.sign(astronaut, watermark=False)

    assert signed.receipt.payload is None
    assert np.array_equal(signed.media.pixels(), astronaut)
    assert read(signed.media).soft_bindings == ()


def test_no_file_name_and_no_path_leaks(save: Callable[..., Path], astronaut: np.ndarray) -> None:
    source = save(astronaut, "jane-doe-private.png")
    signed = assay.sign(source)
    assert b"jane-doe" not in signed.media.data
    assert str(source.parent).encode() not in signed.media.data


def test_alpha_and_metadata_survive(astronaut: np.ndarray, tmp_path: Path) -> None:
    picture = Image.fromarray(astronaut).convert("RGBA")
    picture.putalpha(Image.linear_gradient("L").resize(picture.size))
    exif = Image.Exif()
    exif[0x010E] = "a portrait"
    source = tmp_path / "alpha.png"
    picture.save(source, exif=exif)

    assay.sign(source, out=tmp_path / "out.png")

    with Image.open(tmp_path / "out.png") as result:
        assert result.getexif()[0x010E] == "a portrait"
        assert np.array_equal(
            np.asarray(result.getchannel("A")), np.asarray(picture.getchannel("A"))
        )


def test_an_animation_is_refused_with_advice(astronaut: np.ndarray, tmp_path: Path) -> None:
    first = Image.fromarray(astronaut)
    source = tmp_path / "loop.webp"
    first.save(source, save_all=True, append_images=[first.rotate(90)])
    with pytest.raises(UnsupportedMedia, match="animation"):
        assay.sign(source, out=tmp_path / "out.webp")
    assert not (tmp_path / "out.webp").exists()


def test_production_refuses_development_keys(
    astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_ENV", "production")
    settings.cache_clear()
    with pytest.raises(KeysUnavailable, match="development"):
        assay.sign(astronaut)

"""Previews are cut out of manifest stores without decoding, whatever the store holds."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

import assay
from assay.provenance import jumbf, keys


def test_the_preview_of_a_signed_file(astronaut: np.ndarray) -> None:
    keys.init()
    signed = assay.sign(astronaut)
    store = jumbf.find_store(signed.media.data)
    assert store is not None
    previews = jumbf.claim_thumbnails(store)
    assert list(previews) == [signed.receipt.manifest_label]
    with Image.open(io.BytesIO(previews[signed.receipt.manifest_label])) as preview:
        assert preview.size == (256, 256)

    generator = np.random.default_rng(7)
    for _ in range(200):
        damaged = bytearray(store[: generator.integers(1, len(store))])
        for place in generator.integers(0, len(damaged), 20):
            damaged[place] = generator.integers(0, 256)
        assert all(jumbf.claim_thumbnails(bytes(damaged)).values())


def test_a_reduced_preview_shows_the_picture(astronaut: np.ndarray) -> None:
    keys.init()
    pixels = np.asarray(Image.fromarray(astronaut).resize((900, 600)))
    signed = assay.sign(pixels)
    store = jumbf.find_store(signed.media.data)
    assert store is not None
    [preview] = jumbf.claim_thumbnails(store).values()
    assert len(preview) < 20_000
    with Image.open(io.BytesIO(preview)) as shown:
        assert shown.size == (256, 171)
        smaller = Image.fromarray(pixels).resize(shown.size, Image.Resampling.BOX)
        difference = np.asarray(shown.convert("RGB"), float) - np.asarray(smaller, float)
    assert np.abs(difference).mean() < 8


def test_what_is_no_store() -> None:
    assert jumbf.claim_thumbnails(b"") == jumbf.claim_thumbnails(b"jumb" * 50) == {}

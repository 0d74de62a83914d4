"""Fingerprints are frozen: these numbers may never change under the name `_v0`."""

from __future__ import annotations

import imagehash
import numpy as np
import pdqhash
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from skimage import data as skimage_data

from assay.provenance.matching.content_boxes import content_boxes
from assay.provenance.matching.difference_hash import (
    difference_bits,
    horizontal_pairs,
    keyed_pairs,
)
from assay.provenance.matching.features import Features, features_v0
from assay.provenance.matching.fingerprints import fingerprint_v0, probes_v0
from assay.provenance.matching.graphics import is_graphic
from assay.provenance.matching.hamming import as_words, distance
from assay.provenance.matching.normalising import LONGEST_SIDE, normalise_v0, resize_v0
from assay.provenance.matching.pdq import ORIENTATIONS, SmoothLuma, pdq_v0

Pixels = NDArray[np.uint8]
KEY = bytes(range(32))


def luma_of(pixels: Pixels) -> NDArray[np.float32]:
    weights = np.array([0.299, 0.587, 0.114])
    return (pixels @ weights).astype(np.float32)


@pytest.mark.parametrize(
    "name", ["astronaut", "chelsea", "coffee", "rocket", "page", "text", "moon", "clock"]
)
def test_pdq_equals_the_reference_implementation(name: str) -> None:
    pixels = np.asarray(Image.fromarray(getattr(skimage_data, name)()).convert("RGB"))
    expected, expected_quality = pdqhash.compute(pixels)

    actual, quality = pdq_v0(luma_of(pixels))

    assert actual == np.packbits(expected).tobytes()
    assert quality == expected_quality


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_pdq_of_an_orientation_is_that_of_the_turned_picture(
    astronaut: Pixels, orientation: str
) -> None:
    luma = normalise_v0(astronaut)
    mirrored, quarter_turns = ORIENTATIONS[orientation]
    turned = np.rot90(luma[:, ::-1] if mirrored else luma, quarter_turns)

    assert SmoothLuma.of(luma).bits(orientation) == pdq_v0(np.ascontiguousarray(turned))[0]


def test_fingerprint_is_frozen(astronaut: Pixels) -> None:
    fingerprint = fingerprint_v0(astronaut, KEY)

    assert fingerprint.pdq.hex() == FROZEN_PDQ
    assert fingerprint.difference.hex() == FROZEN_DIFFERENCE
    assert (fingerprint.quality, fingerprint.graphic) == (100, False)


FROZEN_PDQ = "2d6b1af3a956c529e79ca3d2526fa834d4196c81cedd04de0a26b855fc99b724"
FROZEN_DIFFERENCE = "1a3b77d3c14ba6ec9bc789e3439ce53dfb197552a7a06faa05f570558d80b0cb"


def test_size_hardly_moves_the_hash(coffee: Pixels) -> None:
    half = np.asarray(Image.fromarray(coffee).resize((300, 200), Image.Resampling.LANCZOS))

    moved = distance(fingerprint_v0(coffee, KEY).pdq, fingerprint_v0(half, KEY).pdq)

    assert moved <= 8


def test_difference_bits_are_those_of_imagehash(chelsea: Pixels) -> None:
    picture = Image.fromarray(chelsea)
    grid = np.asarray(picture.convert("L").resize((17, 16), Image.Resampling.LANCZOS), np.int16)

    actual = difference_bits(grid.astype(float), horizontal_pairs())

    assert actual == np.packbits(imagehash.dhash(picture, 16).hash).tobytes()


def test_another_key_reads_other_bits(chelsea: Pixels) -> None:
    one = fingerprint_v0(chelsea, KEY).difference
    other = fingerprint_v0(chelsea, KEY[::-1]).difference

    assert distance(one, other) > 80
    assert len(np.unique(keyed_pairs(KEY), axis=0)) == 256


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_distance_counts_differing_bits(first: bytes, second: bytes) -> None:
    expected = int(np.bitwise_count(as_words(first) ^ as_words(second)).sum())

    assert distance(first, second) == expected


@given(st.integers(8, 900), st.integers(8, 900))
def test_normalised_size_is_fixed(height: int, width: int) -> None:
    luma = normalise_v0(np.full((height, width, 3), 100, np.uint8))

    assert max(luma.shape) == LONGEST_SIDE
    assert np.abs(luma - 100).max() < 0.01


def test_shrinking_keeps_the_mean(flower: Pixels) -> None:
    luma = luma_of(flower)

    assert resize_v0(luma, 100, 37).mean() == pytest.approx(luma.mean(), abs=0.01)


def test_probes_see_through_mirroring_inversion_and_borders(china: Pixels) -> None:
    work = fingerprint_v0(china, KEY)
    bordered = np.pad(china, ((90, 90), (0, 0), (0, 0)))
    for query in (china[:, ::-1], np.rot90(china), 255 - china, bordered):
        probes = probes_v0(normalise_v0(query), KEY)

        assert min(distance(probe.pdq, work.pdq) for probe in probes) <= 31
        assert min(distance(probe.difference, work.difference) for probe in probes) <= 31


def test_content_box_is_the_picture_inside_the_border(china: Pixels) -> None:
    bordered = np.pad(china, ((107, 107), (0, 0), (0, 0)))

    boxes = content_boxes(normalise_v0(bordered))

    left, top, right, bottom = boxes["trimmed"]
    assert (left, right) == (0.0, 1.0)
    assert top == pytest.approx(107 / 641, abs=0.01)
    assert bottom == pytest.approx(534 / 641, abs=0.01)


def drawn(*shapes: tuple[str, object]) -> Pixels:
    picture = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(picture)
    for name, place in shapes:
        getattr(draw, name)(place, fill=(30, 60, 160))
    return np.asarray(picture)


def test_logos_charts_and_captions_are_graphic(china: Pixels) -> None:
    logo = drawn(("ellipse", (90, 40, 310, 260)))
    chart = drawn(("line", [(30, 20), (30, 270), (380, 270)]), ("line", [(30, 200), (380, 90)]))
    meme = Image.fromarray(china)
    ImageDraw.Draw(meme).text(
        (20, 20), "TOP TEXT", "white", font_size=70, stroke_width=4, stroke_fill="black"
    )

    assert all(is_graphic(normalise_v0(p)) for p in (logo, chart, np.asarray(meme)))


def test_photographs_are_not_graphic(
    astronaut: Pixels, china: Pixels, coffee: Pixels, flower: Pixels
) -> None:
    assert not any(is_graphic(normalise_v0(p)) for p in (astronaut, china, coffee, flower))


def test_features_survive_packing(astronaut: Pixels) -> None:
    found = features_v0(normalise_v0(astronaut))

    again = Features.unpack(found.pack())

    assert len(found) == 300
    assert len(found.pack()) == 300 * 36
    np.testing.assert_array_equal(again.codes, found.codes)
    np.testing.assert_allclose(again.points, found.points, atol=1 / 64)


@pytest.mark.parametrize("pixels", [np.zeros((64, 64, 3), np.uint8), np.full((9, 300, 3), 255)])
def test_featureless_pictures_have_no_features(pixels: Pixels) -> None:
    luma = normalise_v0(pixels.astype(np.uint8))

    assert len(features_v0(luma)) == 0
    assert fingerprint_v0(pixels.astype(np.uint8), KEY).featureless

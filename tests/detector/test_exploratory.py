"""Each exploratory map shows what it is for, on a picture where the truth is known."""

import numpy as np
import pytest

from assay.detector import exploratory
from assay.encoding import encode_jpeg, encode_png
from assay.media import Media
from tests.conftest import encoded


def as_jpeg(pixels, quality):
    return np.array(Media.from_bytes(encode_jpeg(pixels, quality)).pixels())


PATCH = np.s_[128:256, 192:320]


def contrast(values, shape):
    """Mean inside the patch minus mean outside, in units of the map's colour scale."""
    scale = values.shape[0] / shape[0]
    inside = np.zeros(values.shape, bool)
    rows, columns = PATCH
    inside[
        round(rows.start * scale) : round(rows.stop * scale),
        round(columns.start * scale) : round(columns.stop * scale),
    ] = True
    return float(values[inside].mean() - values[~inside].mean())


def test_error_level_stands_out_where_a_fresh_part_was_pasted(coffee):
    picture = as_jpeg(coffee, 90)
    before = exploratory.error_level(picture).values
    rng = np.random.default_rng(0)
    picture[PATCH] = np.clip(picture[PATCH] + rng.normal(0, 6, picture[PATCH].shape), 0, 255)
    after = exploratory.error_level(picture).values
    assert contrast(after, coffee.shape) > contrast(before, coffee.shape) + 1


def test_jpeg_ghost_shows_a_part_of_lower_quality(coffee):
    picture = coffee.copy()
    picture[PATCH] = as_jpeg(coffee, 60)[PATCH]
    ghost = exploratory.jpeg_ghost(picture)
    clean = exploratory.jpeg_ghost(coffee)
    assert contrast(ghost.values, coffee.shape) > contrast(clean.values, coffee.shape) + 15


def test_colour_filter_pattern_is_seen_and_its_loss_too(coffee):
    mosaic = coffee.copy().astype(np.float32)
    green = mosaic[..., 1]
    around = (
        np.roll(green, 1, 0) + np.roll(green, -1, 0) + np.roll(green, 1, 1) + np.roll(green, -1, 1)
    ) / 4
    odd = np.indices(green.shape).sum(0) % 2 == 1
    mosaic[..., 1] = np.where(odd, around, green)
    picture = mosaic.round().astype(np.uint8)
    picture[PATCH] = coffee[PATCH]
    values = exploratory.colour_filter_array(picture).values
    assert abs(contrast(values, coffee.shape)) > 0.5
    assert abs(values.mean()) > abs(exploratory.colour_filter_array(coffee).values.mean()) + 0.3


def test_noise_level_is_that_of_the_noise_added():
    rng = np.random.default_rng(0)
    grey = np.full((400, 480, 3), 128.0)
    grey += rng.normal(0, 2, (400, 480, 1))
    grey[PATCH] += rng.normal(0, 6, (128, 128, 1))
    values = exploratory.noise_level(np.clip(grey, 0, 255).astype(np.uint8)).values
    assert np.median(values) == pytest.approx(2, abs=0.3)
    assert contrast(values, grey.shape) == pytest.approx(np.sqrt(40) - 2, abs=1.0)


def test_double_quantisation_shows_the_part_compressed_once(astronaut, chelsea):
    picture = as_jpeg(astronaut, 60)
    picture[PATCH] = chelsea[100:228, 100:228]
    found = exploratory.double_quantisation(Media.from_bytes(encode_jpeg(picture, 95)))
    assert found is not None
    assert "of 9 frequencies show two compressions" in found.caption
    assert contrast(found.values, picture.shape) > 0.3


def test_double_quantisation_needs_a_jpeg_and_two_compressions(astronaut):
    assert exploratory.double_quantisation(Media.from_bytes(encode_png(astronaut))) is None
    once = exploratory.double_quantisation(Media.from_bytes(encode_jpeg(astronaut, 95)))
    assert once is not None
    assert not once.values.any()
    assert "No frequency" in once.caption


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_every_map_says_what_it_cannot_show(coffee, kind):
    maps = exploratory.exploratory_maps(Media.from_bytes(encoded(coffee, kind)))
    assert len({item.name for item in maps}) == len(maps) == (5 if kind == "JPEG" else 4)
    for item in maps:
        assert np.isfinite(item.values).all()
        assert item.low < item.high
        assert item.caption.count(".") >= 2


def test_large_and_tiny_pictures_are_bounded():
    large = np.zeros((100, 5001, 3), np.uint8)
    assert exploratory.window(large).shape == (100, exploratory.MOST_SIDE, 3)
    tiny = Media.from_bytes(encode_png(np.zeros((20, 20, 3), np.uint8)))
    assert exploratory.exploratory_maps(tiny) == []

"""The features see how pixels were made and do not see contrast or brightness."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage import data

from assay.detector.features import GROUPS, NAMES, extract, extract_tiles
from assay.detector.neutralisation import neutralise

PICTURE = neutralise(data.astronaut())


def named(values, name):
    return float(values[NAMES.index(name)])


def test_names_are_unique_and_match_the_vector():
    assert len(set(NAMES)) == len(NAMES) == len(GROUPS) == extract(PICTURE).shape[0]


def test_picture_features_are_the_mean_of_tile_features():
    tiles, grid = extract_tiles(PICTURE)
    assert grid == (2, 2)
    assert np.allclose(tiles.mean(0), extract(PICTURE))


def test_measuring_twice_gives_the_same():
    assert np.array_equal(extract(PICTURE), extract(PICTURE))


@settings(max_examples=15, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(8, 200), st.integers(8, 200), st.just(3))))
def test_any_pixels_give_finite_features(pixels):
    assert np.isfinite(extract(pixels)).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_uniform_pictures_give_finite_features(value):
    assert np.isfinite(extract(np.full((320, 320, 3), value, np.uint8))).all()


def test_contrast_and_brightness_change_little():
    halved = (PICTURE.astype(float) * 0.6 + 40).astype(np.uint8)
    noise = np.random.default_rng(0).integers(0, 256, PICTURE.shape, dtype=np.uint8)
    original = extract(PICTURE)
    toned, other = extract(halved), extract(noise)
    assert np.linalg.norm(toned - original) < 0.2 * np.linalg.norm(other - original)


def test_doubling_by_nearest_neighbour_shows_as_a_period_of_two():
    small = PICTURE[::2, ::2]
    doubled = np.repeat(np.repeat(small, 2, 0), 2, 1)
    before, after = extract(PICTURE), extract(doubled)
    name = "neighbours/phase-2-across-deviation"
    assert named(after, name) > 5 * named(before, name)
    assert named(after, name) > 0.5


def test_a_lattice_of_period_eight_shows_as_a_spectral_peak():
    lattice = PICTURE.astype(float)
    lattice += 6 * np.cos(2 * np.pi * np.arange(320) / 4)[None, :, None]
    marked = np.clip(lattice, 0, 255).astype(np.uint8)
    name = "spectrum/peak-0-40"
    assert named(extract(marked), name) > named(extract(PICTURE), name) + 2


def test_swapped_channel_shift_shows_as_misregistration():
    shifted = PICTURE.copy()
    shifted[..., 0] = np.roll(shifted[..., 0], 1, axis=1)
    name = "colour/shift-red-0.7"
    assert named(extract(shifted), name) > named(extract(PICTURE), name) + 0.1

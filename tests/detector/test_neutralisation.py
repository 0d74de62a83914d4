"""Every picture reaches the features at the same field of view, crop and compression."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import data

from assay.detector.neutralisation import (
    STANDARD,
    WORKING_LONG_SIDE,
    centre_crop,
    check_pixels,
    neutralise,
    reduce,
)
from assay.errors import InputRefused

ASTRONAUT = data.astronaut()


def test_large_pictures_are_reduced_then_cropped():
    large = np.kron(ASTRONAUT, np.ones((2, 3, 1), np.uint8))
    result = neutralise(large)
    assert result.shape == (320, 320, 3)
    assert result.dtype == np.uint8


def test_field_of_view_does_not_depend_on_the_size_of_the_original():
    twice = np.repeat(np.repeat(ASTRONAUT, 2, 0), 2, 1)
    difference = neutralise(twice).astype(int) - neutralise(ASTRONAUT)
    assert np.abs(difference).mean() < 0.5


def test_a_working_copy_gives_the_same_pixels_as_the_original():
    original = np.repeat(np.repeat(ASTRONAUT, 5, 0), 5, 1)
    working_copy = reduce(original, WORKING_LONG_SIDE)
    assert working_copy.shape == (1400, 1400, 3)
    assert np.array_equal(neutralise(working_copy), neutralise(original))


def test_small_pictures_are_never_enlarged():
    small = ASTRONAUT[:100, :150]
    assert neutralise(small).shape == (100, 150, 3)


def test_the_crop_is_central():
    pixels = np.zeros((320, 512, 3), np.uint8)
    pixels[:, 96:416] = 200
    assert (centre_crop(pixels, 320) == 200).all()


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 700), st.integers(1, 700))
def test_any_size_fits_the_rendition(height, width):
    result = neutralise(np.full((height, width, 3), 128, np.uint8))
    assert max(result.shape[:2]) <= STANDARD.crop
    assert result.shape[:2] <= reduce(np.empty((height, width, 3), np.uint8), 512).shape[:2]


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_what_is_not_a_picture_is_refused(wrong):
    with pytest.raises(InputRefused, match="expected uint8 of HxWx3"):
        check_pixels(wrong)

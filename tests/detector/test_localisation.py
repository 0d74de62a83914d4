"""The odd region is found where it is, and untouched pictures show how odd is odd."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.detector.linear import default_model
from assay.detector.localisation import locate, rarity, strongest_rectangle


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 5), st.integers(0, 7), st.integers(2, 3), st.integers(2, 4))
def test_a_raised_rectangle_is_found_exactly(top, left, height, width):
    values = np.random.default_rng(0).normal(0, 0.1, (9, 12))
    values[top : top + height, left : left + width] += 3
    found, contrast = strongest_rectangle(values)
    assert found == (top, top + height, left, left + width)
    assert contrast > 5


def test_a_lowered_rectangle_is_not():
    values = np.random.default_rng(0).normal(0, 0.1, (9, 12))
    values[2:5, 3:6] -= 3
    (top, bottom, left, right), _ = strongest_rectangle(values)
    assert not values[top:bottom, left:right].min() < -2


def test_rarity_falls_with_contrast():
    assert rarity(0) == 1
    shares = [rarity(contrast) for contrast in (1, 5.1, 7.0, 8.1, 20)]
    assert shares == sorted(shares, reverse=True)
    assert shares[1] == pytest.approx(0.5)
    assert shares[-1] == pytest.approx(0.01)


def test_the_box_lies_inside_the_picture(coffee):
    large = np.concatenate([np.concatenate([coffee, coffee[:, ::-1]], 1)] * 2, 0)
    region = locate(large, default_model())
    assert region is not None
    left, top, right, bottom = region.box
    assert 0 <= left < right <= large.shape[1]
    assert 0 <= top < bottom <= large.shape[0]


def test_small_pictures_have_no_regions(coffee):
    assert locate(coffee[:300], default_model()) is None

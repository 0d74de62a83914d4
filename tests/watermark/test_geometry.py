"""Matrices and their description."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.watermark.geometry import SYMMETRIES, compose, describe, frequencies, similarity

scales = st.floats(0.3, 3)
degrees = st.floats(-179, 179)


@given(scales, degrees, st.booleans())
def test_similarity_is_described(scale: float, turn: float, flipped: bool) -> None:
    found = describe(similarity(scale, np.radians(turn), flipped), (0, 0))
    assert found.scale_x == pytest.approx(scale)
    assert found.scale_y == pytest.approx(scale)
    assert found.flipped == flipped
    assert found.rotation == pytest.approx(-turn)
    assert found.shear == pytest.approx(0, abs=1e-6)


@given(st.lists(st.integers(-200, 200), min_size=4, max_size=4))
def test_compose_undoes_describe(hundredths: list[int]) -> None:
    matrix = np.array(hundredths).reshape(2, 2) / 100
    if abs(np.linalg.det(matrix)) < 0.05:
        matrix = matrix + np.diag([5.0, 5.0])
    assert compose(describe(matrix, (0, 0))) == pytest.approx(matrix, abs=1e-6)


def test_there_are_eight_symmetries() -> None:
    assert len({tuple(matrix.ravel()) for matrix in SYMMETRIES}) == 8


def test_doubling_halves_frequencies() -> None:
    lines = np.array([[6, 8], [-7, 5]])
    seen = frequencies(lines, similarity(2.0, 0.0))
    assert seen == pytest.approx(frequencies(lines, similarity(1.0, 0.0)) / 2)

"""The false-alarm bound."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from assay.watermark.statistics import (
    RADEMACHER_CONSTANT,
    log10_false_alarm,
    normalised_correlation,
)


def test_correlation_with_itself_is_the_root_of_the_length() -> None:
    symbols = np.array([1, -1, -1, 1], np.float32)
    assert normalised_correlation(3 * symbols, symbols) == pytest.approx(2.0)


def test_no_signal_gives_no_correlation() -> None:
    assert normalised_correlation(np.zeros(4, np.float32), np.ones(4, np.float32)) == 0.0


@given(st.floats(0, 30), st.integers(1, 64), st.integers(1, 10_000))
def test_bound_is_a_probability(correlation: float, bits: int, trials: int) -> None:
    assert log10_false_alarm(correlation, bits, trials) <= 0


@given(st.floats(14, 25), st.integers(1, 60), st.integers(1, 1000))
def test_more_trials_and_longer_messages_raise_the_bound(
    correlation: float, bits: int, trials: int
) -> None:
    bound = log10_false_alarm(correlation, bits, trials)
    assert log10_false_alarm(correlation, bits, 10 * trials) == pytest.approx(bound + 1)
    assert log10_false_alarm(correlation, bits + 1, trials) == pytest.approx(bound + math.log10(2))


def test_bound_holds_for_random_signs() -> None:
    generator = np.random.default_rng(1)
    soft = generator.standard_cauchy(288).clip(-3, 3).astype(np.float32)  # far from Gaussian
    signs = generator.choice(np.float32([-1, 1]), (20_000, 288))
    reached = np.array([normalised_correlation(soft, row) for row in signs])
    for level in (1.0, 2.0, 3.0):
        assert (reached >= level).mean() <= 10 ** log10_false_alarm(level, 0, 1)


def test_constant_is_that_of_the_theorem() -> None:
    assert pytest.approx(1 / (4 * ndtr(-math.sqrt(2))), abs=1e-3) == RADEMACHER_CONSTANT

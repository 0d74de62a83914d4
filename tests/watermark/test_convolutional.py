"""The tail-biting code and its list decoder."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from assay.watermark.convolutional import OUTPUTS, decode_list, encode

messages = st.integers(16, 100).flatmap(
    lambda length: arrays.arrays(np.uint8, length, elements=st.integers(0, 1))
)


@settings(deadline=None)
@given(messages)
def test_clean_symbols_decode_to_the_message(message: NDArray[np.uint8]) -> None:
    decoded = decode_list(encode(message))
    assert (decoded[0] == message).all()


@given(messages, st.integers(0, 99))
def test_turning_the_message_turns_the_code(message: NDArray[np.uint8], by: int) -> None:
    turned = np.roll(encode(message), OUTPUTS * by)
    assert (encode(np.roll(message, by)) == turned).all()


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_weak_errors_are_corrected(seed: int) -> None:
    generator = np.random.default_rng(seed)
    message = generator.integers(0, 2, 88).astype(np.uint8)
    symbols = encode(message)
    wrong = generator.choice(len(symbols), 20, replace=False)  # 8 % of the symbols
    symbols[wrong] *= -1
    candidates = decode_list(symbols)
    assert (candidates == message).all(axis=1).any()


def test_candidates_come_in_order_of_likelihood() -> None:
    generator = np.random.default_rng(5)
    message = generator.integers(0, 2, 88).astype(np.uint8)
    soft = (encode(message) + generator.normal(0, 1.6, 264)).astype(np.float32)
    candidates = decode_list(soft)
    assert len(candidates) > 1
    assert len(np.unique(candidates, axis=0)) == len(candidates)
    likelihood = [float(encode(candidate) @ soft) for candidate in candidates]
    assert likelihood[0] == max(likelihood)


def test_every_candidate_bites_its_tail() -> None:
    soft = np.random.default_rng(6).normal(0, 1, 204).astype(np.float32)
    for candidate in decode_list(soft, 64):
        assert (decode_list(encode(candidate))[0] == candidate).all()

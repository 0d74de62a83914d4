"""A short run of every fuzz target, on random bytes and on valid inputs that were changed."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import TARGETS


@st.composite
def changed(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    """A seed with bytes replaced, removed or repeated."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(0, len(data) - 1)))
        length = draw(st.integers(0, 12))
        match draw(st.integers(0, 2)):
            case 0:
                data[place : place + length] = draw(st.binary(max_size=length))
            case 1:
                del data[place : place + length]
            case _:
                data[place:place] = data[place : place + length]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_refuses_or_parses(name: str) -> None:
    target = TARGETS[name]
    for seed in target.seeds:
        target(seed)

    @settings(
        max_examples=150,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.one_of(st.binary(max_size=300), changed(list(target.seeds))))
    def check(data: bytes) -> None:
        target(data)

    check()

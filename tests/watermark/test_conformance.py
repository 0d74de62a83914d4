"""The shipped test vectors: they may be added to, never changed."""

from __future__ import annotations

import pytest

from assay.watermark.conformance import Vector, check, vectors

VECTORS = list(vectors())


def test_every_profile_has_a_vector() -> None:
    assert {vector.payload_bits for vector in VECTORS} == {40, 60, None}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vector_is_read_exactly(vector: Vector) -> None:
    assert check(vector)

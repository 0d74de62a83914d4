"""Key derivation, rotation, and that version 1 stays what it is."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from numpy.typing import NDArray

from assay import watermark
from assay.errors import ConfigurationError
from assay.watermark.carrier import carrier_of, scramble
from assay.watermark.keys import PUBLIC_KEY, KeyFamily, families_of, family_of, random_signs
from assay.watermark.payload import LONG

PAYLOAD = 0x0123_4567_89AB_CDE
SECRET = b"a secret of thirty-two bytes....."


def test_public_key_is_the_default() -> None:
    assert family_of(None) == KeyFamily(PUBLIC_KEY)


def test_short_keys_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected 16"):
        KeyFamily(b"too short")


def test_text_is_not_a_key() -> None:
    with pytest.raises(TypeError):
        KeyFamily("a secret of sixteen or more")  # type: ignore[arg-type]


@pytest.mark.parametrize("generation", [-1, 16])
def test_generation_out_of_range_is_refused(generation: int) -> None:
    with pytest.raises(ConfigurationError):
        KeyFamily(SECRET, generation)


def test_the_secret_is_not_printed() -> None:
    assert "secret" not in repr(KeyFamily(SECRET))


def test_keys_differ_in_pilots_and_generations_only_in_scrambling() -> None:
    mine, other = carrier_of(KeyFamily(SECRET)), carrier_of(KeyFamily(PUBLIC_KEY))
    rotated = carrier_of(KeyFamily(SECRET, 1))
    assert not np.allclose(mine.pilot_phasors, other.pilot_phasors)
    assert np.allclose(mine.pilot_phasors, rotated.pilot_phasors)
    first, second = (scramble(KeyFamily(SECRET), n, LONG)[1] for n in (0, 1))
    assert 0.3 < (first == second).mean() < 0.7


def test_signs_are_balanced() -> None:
    signs = random_signs(SECRET, b"test", 4000)
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.mean()) < 0.1


def test_version_1_is_frozen() -> None:
    carrier = carrier_of(family_of(None))
    slots, signs = scramble(carrier.family, 0, LONG)
    everything = (
        b"".join(
            np.ascontiguousarray(part.astype("<i8")).tobytes()
            for part in (carrier.pilot_lines, carrier.message_lines, slots, signs)
        )
        + np.round(carrier.pilot_phasors.view(np.float64) * 1e6).astype("<i8").tobytes()
    )
    assert hashlib.sha256(everything).hexdigest() == FROZEN


FROZEN = "905768c781ebc6f85c0de8552da0f4f433b941f57d02133db00e26aba6383183"


def test_rotated_keys_read_older_marks(scene: NDArray[np.uint8]) -> None:
    marked = watermark.embed(scene, PAYLOAD, key=KeyFamily(SECRET, 1))
    assert watermark.detect(marked, key=KeyFamily(SECRET, 0), search="fast") is None
    found = watermark.detect(marked, key=KeyFamily(SECRET, 3), search="fast")
    assert found is not None
    assert found.generation == 1


def test_several_keys_are_tried_in_turn(scene: NDArray[np.uint8]) -> None:
    marked = watermark.embed(scene, PAYLOAD, key=SECRET)
    found = watermark.detect(marked, key=[None, SECRET], search="fast")
    assert found is not None
    assert found.key_index == 1


def test_one_key_or_several_become_families() -> None:
    assert families_of(SECRET) == (KeyFamily(SECRET),)
    assert families_of([None, SECRET]) == (KeyFamily(PUBLIC_KEY), KeyFamily(SECRET))

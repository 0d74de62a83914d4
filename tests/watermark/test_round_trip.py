"""Embedding and detection together, on small synthetic pictures."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay import watermark
from assay.datasets.laundering_suite import SUITE
from assay.errors import AlreadyMarked, InputRefused, LimitExceeded
from assay.watermark.carrier import carrier_of
from assay.watermark.detection import MAXIMUM_HYPOTHESES, PlaneReader
from assay.watermark.images import canonical_luma, native_tile
from assay.watermark.keys import family_of
from assay.watermark.whitening import whiten

PAYLOAD = 0x0123_4567_89AB_CDE


def low_bits(payload: int, detection: watermark.Detection) -> int:
    return payload & ((1 << detection.payload_bits) - 1)


def test_small_picture_carries_the_low_40_bits(scene: NDArray[np.uint8]) -> None:
    found = watermark.detect(watermark.embed(scene, PAYLOAD))
    assert found is not None
    assert found.payload_bits == 40
    assert found.payload == PAYLOAD & (1 << 40) - 1


def test_large_picture_carries_all_60_bits(large_scene: NDArray[np.uint8]) -> None:
    found = watermark.detect(watermark.embed(large_scene, PAYLOAD))
    assert found is not None
    assert (found.payload_bits, found.payload) == (60, PAYLOAD)


def test_unmarked_picture_has_no_mark(scene: NDArray[np.uint8]) -> None:
    assert watermark.detect(scene) is None


def test_another_key_does_not_read_the_mark(scene: NDArray[np.uint8]) -> None:
    marked = watermark.embed(scene, PAYLOAD, key=b"a secret of 16 bytes or more")
    assert watermark.detect(marked) is None
    assert watermark.detect(marked, key=b"another secret of many bytes") is None
    assert watermark.detect(marked, key=b"a secret of 16 bytes or more") is not None


@pytest.mark.parametrize(
    "name", ["jpeg-50", "crop-25", "flip", "rotate-90", "rotate-15", "resize-0.75", "aspect-0.9"]
)
def test_mark_survives(marked: NDArray[np.uint8], name: str) -> None:
    found = watermark.detect(SUITE[name](marked))
    assert found is not None
    assert found.payload == low_bits(PAYLOAD, found)


def test_marked_picture_is_not_marked_again(marked: NDArray[np.uint8]) -> None:
    with pytest.raises(AlreadyMarked):
        watermark.embed(marked, 1)
    replaced = watermark.detect(watermark.embed(marked, 1, existing="replace"))
    assert replaced is not None
    assert replaced.payload == 1


def test_small_side_is_refused() -> None:
    with pytest.raises(LimitExceeded):
        watermark.embed(np.zeros((500, 1, 3), np.uint8), PAYLOAD)
    with pytest.raises(LimitExceeded):
        watermark.detect(np.zeros((95, 500, 3), np.uint8))


def test_strips_are_marked_up_to_a_limit() -> None:
    strip = np.tile(np.arange(100, 160, dtype=np.uint8)[None, :, None], (100, 70, 3))
    assert watermark.embed(strip, PAYLOAD).shape == strip.shape
    with pytest.raises(LimitExceeded, match="strip"):
        watermark.detect(np.zeros((100, 60_000, 3), np.uint8))


def test_floating_point_is_refused() -> None:
    with pytest.raises(InputRefused):
        watermark.detect(np.zeros((200, 200, 3)))


@pytest.mark.parametrize("level", [0, 128, 255])
def test_constant_colour_gives_a_result(level: int) -> None:
    flat = np.full((256, 256, 3), level, np.uint8)
    marked = watermark.embed(flat, PAYLOAD)
    difference = marked.astype(float) - flat
    assert 0 < np.sqrt((difference**2).mean()) < 1


def test_pixels_outside_the_mask_are_returned_bit_for_bit(scene: NDArray[np.uint8]) -> None:
    mask = np.zeros(scene.shape[:2], bool)
    mask[60:, 40:] = True
    marked = watermark.embed(scene, PAYLOAD, mask=mask)
    assert (marked[~mask] == scene[~mask]).all()
    assert watermark.detect(marked) is not None


def test_alpha_is_copied_and_transparent_pixels_stay(scene: NDArray[np.uint8]) -> None:
    alpha = np.full(scene.shape[:2], 255, np.uint8)
    alpha[:50] = 0
    picture = np.dstack([scene, alpha])
    marked = watermark.embed(picture, PAYLOAD)
    assert (marked[..., 3] == alpha).all()
    assert (marked[:50] == picture[:50]).all()


@pytest.mark.parametrize("shape", [(), (1,)])
def test_gray_keeps_its_shape(scene: NDArray[np.uint8], shape: tuple[int, ...]) -> None:
    picture = scene[:, :, 1].reshape(*scene.shape[:2], *shape)
    marked = watermark.embed(picture, PAYLOAD)
    assert marked.shape == picture.shape
    assert watermark.detect(marked) is not None


def test_sixteen_bits_stay_sixteen_bits(scene: NDArray[np.uint8]) -> None:
    picture = scene.astype(np.uint16) * 257
    marked = watermark.embed(picture, PAYLOAD)
    assert marked.dtype == np.uint16
    found = watermark.detect((marked // 257).astype(np.uint8))
    assert found is not None


def test_no_more_hypotheses_are_read_than_the_bound_counts(scene: NDArray[np.uint8]) -> None:
    views = whiten(canonical_luma(scene)).values
    readings = list(PlaneReader(views).readings(carrier_of(family_of(None)), "full"))
    assert len(readings) == MAXIMUM_HYPOTHESES


def test_geometry_is_described(marked: NDArray[np.uint8]) -> None:
    found = watermark.detect(SUITE["rotate-5"](marked))
    assert found is not None
    assert found.geometry.rotation == pytest.approx(5, abs=0.3)
    assert found.geometry.scale_x == pytest.approx(1, abs=0.02)
    assert not found.geometry.flipped
    mirrored = watermark.detect(SUITE["flip"](marked))
    assert mirrored is not None
    assert mirrored.geometry.flipped


def test_what_is_detected_is_below_the_operating_point(marked: NDArray[np.uint8]) -> None:
    found = watermark.detect(marked)
    assert found is not None
    assert found.log10_false_alarm <= watermark.OPERATING_POINT_LOG10


def test_large_pictures_are_marked_at_canonical_size() -> None:
    picture = np.full((1800, 1500, 3), 128, np.uint8)
    picture[::7] = 100
    assert native_tile(1800, 1500) == 99
    found = watermark.detect(watermark.embed(picture, PAYLOAD, existing="replace"))
    assert found is not None
    assert found.payload == PAYLOAD


@given(st.integers(96, 20_000), st.integers(96, 20_000))
def test_period_shares_no_factor_with_compression_blocks(height: int, width: int) -> None:
    assert native_tile(height, width) % 8 in (3, 5)


@pytest.mark.parametrize("strength", [0, -1, 5])
def test_strength_out_of_range_is_refused(scene: NDArray[np.uint8], strength: float) -> None:
    with pytest.raises(ValueError, match="strength"):
        watermark.embed(scene, PAYLOAD, strength=strength)


def test_mask_of_another_shape_is_refused(scene: NDArray[np.uint8]) -> None:
    with pytest.raises(InputRefused, match="shape"):
        watermark.embed(scene, PAYLOAD, mask=np.ones((5, 5)), existing="replace")
    with pytest.raises(InputRefused, match="values"):
        watermark.embed(scene, PAYLOAD, mask=np.full(scene.shape[:2], 2.0), existing="replace")

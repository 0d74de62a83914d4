"""Self-blended pictures differ only in and around the face, and the features notice."""

import cv2
import numpy as np
import pytest

from assay.detector.faces.blending import self_blend
from assay.detector.faces.crops import FACE_SIDE, crop_face, cut_face
from assay.detector.faces.features import NAMES, extract

FACE = (170, 70, 275, 175)  # of the astronaut, brow to chin


@pytest.mark.parametrize("seed", range(12))
def test_a_self_blend_is_the_picture_outside_and_a_mixture_inside(astronaut, seed):
    blended, mask = self_blend(astronaut, FACE, np.random.default_rng(seed))
    assert blended.shape == astronaut.shape
    assert blended.dtype == np.uint8
    assert mask.shape == astronaut.shape[:2]
    assert mask.min() >= 0
    assert mask.max() <= 1 + 1e-5
    rows, columns = np.nonzero(mask > 0.5)
    assert len(rows) > 100
    left, top, right, bottom = FACE
    assert left - 25 < columns.mean() < right + 25
    assert top - 25 < rows.mean() < bottom + 25
    # Outside the mask either the picture or its changed copy shows, without any seam.
    away = np.s_[300:, 300:]
    assert not mask[away].any()


def test_blends_are_reproducible_and_various(astronaut):
    twice = [self_blend(astronaut, FACE, np.random.default_rng(3))[0] for _ in "ab"]
    assert np.array_equal(*twice)
    other, _ = self_blend(astronaut, FACE, np.random.default_rng(4))
    assert not np.array_equal(twice[0], other)


def test_faces_are_cut_with_their_surroundings(astronaut):
    cut, box = cut_face(astronaut, FACE)
    left, top, right, bottom = box
    assert np.array_equal(cut[top:bottom, left:right], astronaut[70:175, 170:275])
    assert cut.shape[0] == pytest.approx(1.8 * 105, abs=2)


def test_large_faces_are_reduced_and_small_ones_kept(astronaut):
    large = np.repeat(np.repeat(astronaut, 3, 0), 3, 1)
    box = tuple(3 * side for side in FACE)
    crop = crop_face(large, box)
    assert crop.side == FACE_SIDE
    assert crop_face(astronaut, FACE).side == 105
    assert max(crop.pixels.shape) == pytest.approx(1.8 * FACE_SIDE, abs=2)


def test_a_crop_ends_where_the_picture_ends(astronaut):
    crop = crop_face(astronaut, (0, 0, 100, 100))
    assert crop.pixels.shape == (140, 140, 3)
    assert crop.centre == (50, 50)
    assert np.isfinite(extract(crop)).all()


def test_names_match_the_vector(astronaut):
    values = extract(crop_face(astronaut, FACE))
    assert values.shape == (len(NAMES),)
    assert len(set(NAMES)) == len(NAMES)
    assert np.isfinite(values).all()


def test_a_blurred_face_is_a_step_all_around(astronaut):
    left, top, right, bottom = FACE
    mask = np.zeros(astronaut.shape[:2], np.float32)
    centre = ((left + right) // 2, (top + bottom) // 2)
    cv2.ellipse(mask, centre, (46, 52), 0, 0, 360, 1.0, -1)
    mask = cv2.GaussianBlur(mask, (0, 0), 2)[..., None]
    blurred = cv2.GaussianBlur(astronaut, (0, 0), 2.5)
    forged = (blurred * mask + astronaut * (1 - mask)).astype(np.uint8)
    before, after = (extract(crop_face(picture, FACE)) for picture in (astronaut, forged))
    # Ring 2 to 3 crosses the outline.
    name = NAMES.index("ring/detail-luma-0-2-mean")
    assert after[name] > before[name] + 0.3
    assert after[name + 1] == pytest.approx(abs(after[name]))

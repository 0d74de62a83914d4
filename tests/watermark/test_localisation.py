"""Finding the marked part of a picture, and showing it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assay import watermark
from assay.errors import InputRefused


def test_pasted_picture_is_boxed(marked: NDArray[np.uint8]) -> None:
    page = np.full((900, 1000, 3), 240, np.uint8)
    page[::40, :] = 30
    height, width = marked.shape[:2]
    page[250 : 250 + height, 300 : 300 + width] = marked
    found = watermark.localise(page)
    assert found is not None
    assert len(found.regions) == 1
    box = found.regions[0]
    wanted = (300, 250, 300 + width, 250 + height)
    assert (box.left, box.top, box.right, box.bottom) == pytest.approx(wanted, abs=70)
    assert found.presence[:60].max() < 0.2


def test_unmarked_picture_has_no_presence(scene: NDArray[np.uint8]) -> None:
    assert watermark.localise(scene) is None
    presence = watermark.presence_map(scene)
    assert presence.shape == scene.shape[:2]
    assert not presence.any()


def test_rotated_mark_is_present_everywhere(marked: NDArray[np.uint8]) -> None:
    presence = watermark.presence_map(np.ascontiguousarray(np.rot90(marked)))
    assert presence.shape == (marked.shape[1], marked.shape[0])
    assert (presence > 64).mean() > 0.7


def test_difference_is_gray_where_nothing_changed(
    scene: NDArray[np.uint8], marked: NDArray[np.uint8]
) -> None:
    assert (watermark.render_difference(scene, scene) == 128).all()
    shown = watermark.render_difference(scene, marked, gain=20)
    assert shown.shape == scene.shape
    assert shown.std() > 5


def test_difference_of_unlike_pictures_is_refused(scene: NDArray[np.uint8]) -> None:
    with pytest.raises(InputRefused):
        watermark.render_difference(scene, scene[:-1])

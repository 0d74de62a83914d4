"""Agreement counts as far as chance does not explain it: crowded keypoints agree easily."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.provenance.matching.features import Features
from assay.provenance.matching.geometry import Alignment, align, places, share_near

SIZE = (512, 384)
KEYPOINTS = 300


def keypoints(
    generator: np.random.Generator, box: tuple[float, float, float, float]
) -> NDArray[np.float32]:
    """Random points in (left, top, width, height)."""
    left, top, width, height = box
    spread = generator.random((KEYPOINTS, 2)) * [width, height] + [left, top]
    return spread.astype(np.float32)


def aligned(query: Features, work: Features) -> Alignment | None:
    return align(query, work, query_size=SIZE, work_size=SIZE)


@pytest.mark.parametrize("seed", range(8))
def test_a_dozen_of_many_pairs_on_a_crowded_spot_are_no_match(seed: int) -> None:
    """One small thing before an empty ground: all 300 keypoints in three cells of the grid."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(0, 256, (KEYPOINTS, 32), np.uint8)
    work = Features(keypoints(generator, (200, 190, 90, 30)), codes)
    points = keypoints(generator, (0, 0, 511, 383))
    points[:12] = (work.points[:12] - 190) * 3 + 100
    query = Features(points[:150], codes[:150])

    found = aligned(query, work)

    assert found is not None
    assert found.inliers >= 10
    assert found.coverage >= 0.4
    assert not found.accepted


@pytest.mark.parametrize("box", [(0, 0, 511, 383), (240, 200, 60, 40)])
def test_a_copy_matches_however_its_keypoints_lie(box: tuple[float, float, float, float]) -> None:
    generator = np.random.default_rng(0)
    codes = generator.integers(0, 256, (KEYPOINTS, 32), np.uint8)
    work = Features(keypoints(generator, box), codes)
    query = Features(work.points * np.float32(0.8) + np.float32(20), codes)

    found = aligned(query, work)

    assert found is not None
    assert found.firm


def test_share_of_near_places() -> None:
    spot = np.array([(10, 10), (11, 11), (13, 10), (100, 10), (300, 200)], np.float32)
    # Three keypoints in two places next to each other, and two elsewhere: one pair of six.
    assert share_near(places(spot)) == pytest.approx(1 / 6)
    assert share_near(places(spot[:1])) == 0

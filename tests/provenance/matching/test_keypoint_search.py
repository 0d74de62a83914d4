"""Details are found by keypoints, and receipts say where they lie in both pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.provenance.matching import Registry, multi_index
from tests.provenance.matching.test_index import moved, random_codes

Pixels = NDArray[np.uint8]


@pytest.fixture
def registry(tmp_path: Path, china: Pixels) -> Registry:
    made = Registry(tmp_path / "registry.sqlite")
    made.add(china, {"id": "china"})
    return made


@pytest.mark.parametrize(("mirrored", "expected"), [(False, (0.5, 0.0)), (True, (0.0, 0.0))])
def test_boxes_say_where_the_work_lies(
    registry: Registry, china: Pixels, coffee: Pixels, mirrored: bool, expected: tuple[float, float]
) -> None:
    height, width = china.shape[:2]
    beside = np.zeros((height, 2 * width, 3), np.uint8)
    beside[: coffee.shape[0], : coffee.shape[1]] = coffee[:height, :width]
    beside[:, width:] = china
    query = beside[:, ::-1] if mirrored else beside

    (found,) = registry.match(np.ascontiguousarray(query))

    assert found.receipt.geometry is not None
    left, top, right, bottom = found.receipt.geometry.query_box
    assert (left, top) == pytest.approx(expected, abs=0.03)
    assert (right - left, bottom - top) == pytest.approx((0.5, 1.0), abs=0.04)
    assert found.receipt.geometry.matched_box == pytest.approx((0, 0, 1, 1), abs=0.03)


def test_a_detail_says_what_it_shows(registry: Registry, china: Pixels) -> None:
    height, width = china.shape[:2]
    detail = china[height // 2 :, : width // 2]

    (found,) = registry.match(np.ascontiguousarray(detail))

    assert found.receipt.geometry is not None
    assert found.receipt.geometry.matched_box == pytest.approx((0, 0.5, 0.5, 1), abs=0.03)
    assert found.receipt.geometry.query_box == pytest.approx((0, 0, 1, 1), abs=0.03)


def test_many_manifests_do_not_hide_a_work(
    tmp_path: Path, china: Pixels, registry: Registry
) -> None:
    for number in range(6):
        signed = np.clip(china.astype(int) + number, 0, 255).astype(np.uint8)
        registry.register_manifest(f"urn:c2pa:{number}", b"manifest", pixels=signed)
    height, width = china.shape[:2]
    detail = np.ascontiguousarray(china[height // 3 :, width // 3 :])

    assert [match.work_id for match in registry.match(detail)] == ["china"]
    assert registry.recover(detail)


def test_a_collection_of_ones_own_is_not_refused(tmp_path: Path, registry: Registry) -> None:
    levels = np.linspace(20, 230, 256, dtype=np.uint8)
    gradient = np.ascontiguousarray(np.broadcast_to(levels[None, :, None], (256, 256, 3)))

    for number in range(8):
        registry.add(gradient, {"id": f"{number}"}, refuse_poison=False)

    assert registry.stats()["works"] == 9


def test_crowded_buckets_are_passed_over_only_where_recall_is_not_promised() -> None:
    codes = random_codes(2000)
    codes[: multi_index.FEWEST_CROWDED + 1, 0] &= np.uint64(0xFFFFFFFFFFFF0000)  # one full bucket
    offsets, order = multi_index.build(codes)
    near = moved(codes[:1], np.array([8]))

    exact = multi_index.search(codes, offsets, order, near, 31)
    quick = multi_index.search(codes, offsets, order, near, 31, exact=False)

    assert exact.row.tolist() == [0]
    assert set(quick.row.tolist()) == {0}  # through its other chunks
    lonely = codes[:1].copy()
    lonely[0, 1:] ^= np.uint64(0x0001000100010001)  # agrees in the crowded chunk ...
    lonely[0, 0] ^= np.uint64(0x0001000100010000)  # ... and in no other
    assert multi_index.search(codes, offsets, order, lonely, 31).row.tolist() == [0]
    assert not len(multi_index.search(codes, offsets, order, lonely, 31, exact=False).row)

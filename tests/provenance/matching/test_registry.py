"""The registry finds works and manifests again, and says why."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from assay.errors import DamagedMedia, InputRefused, LimitExceeded
from assay.media import Media
from assay.provenance.matching import (
    NotRegistered,
    Registry,
    RegistryMissing,
    RegistryUnusable,
    WorkRefused,
)
from assay.provenance.matching.receipts import LOWEST_CLAIM

Pixels = NDArray[np.uint8]


@pytest.fixture
def registry(tmp_path: Path, astronaut: Pixels, china: Pixels, coffee: Pixels) -> Registry:
    made = Registry(tmp_path / "registry.sqlite")
    for name, pixels in (("astronaut", astronaut), ("china", china), ("coffee", coffee)):
        made.add(pixels, {"id": name, "title": name, "registrant": "museum"})
    return made


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer).convert("RGB"))


def captioned(pixels: Pixels) -> Pixels:
    picture = Image.fromarray(np.pad(pixels, ((80, 0), (0, 0), (0, 0)), constant_values=255))
    ImageDraw.Draw(picture).text((20, 20), "NOBODY READS THE NOTES", fill="black", font_size=30)
    return np.asarray(picture)


EDITS: dict[str, Callable[[Pixels], Pixels]] = {
    "same": lambda p: p,
    "jpeg-20": lambda p: jpeg(p, 20),
    "mirrored": lambda p: p[:, ::-1],
    "turned": lambda p: np.rot90(p),
    "inverted": lambda p: 255 - p,
    "cropped": lambda p: p[p.shape[0] // 4 : -p.shape[0] // 8, p.shape[1] // 3 :],
    "captioned": captioned,
    "letterboxed": lambda p: np.pad(p, ((60, 60), (0, 0), (0, 0))),
    "quartered": lambda p: np.asarray(Image.fromarray(p).resize((160, 107))),
}


@pytest.mark.parametrize("edit", EDITS)
def test_edited_copies_are_matched(registry: Registry, china: Pixels, edit: str) -> None:
    matches = registry.match(np.ascontiguousarray(EDITS[edit](china)))

    assert [(match.work_id, match.decision) for match in matches] == [("china", "match")]


def test_unrelated_picture_matches_nothing(registry: Registry, flower: Pixels) -> None:
    assert registry.match(flower) == []


def test_receipt_shows_where_the_crop_lies(registry: Registry, china: Pixels) -> None:
    height, width = china.shape[:2]
    crop = china[height // 4 :, width // 2 :]

    receipt = registry.match(np.ascontiguousarray(crop))[0].receipt

    assert receipt.geometry is not None
    assert receipt.geometry.matched_box == pytest.approx((0.5, 0.25, 1.0, 1.0), abs=0.02)
    assert receipt.geometry.inliers >= 10
    assert LOWEST_CLAIM <= receipt.log10_false_match < -6
    assert receipt.probe is None  # no hash was near; no orientation is claimed
    assert receipt.registrant == "museum"


def test_receipt_names_the_look_that_was_near(registry: Registry, china: Pixels) -> None:
    receipt = registry.match(np.ascontiguousarray(jpeg(china, 30)[:, ::-1]))[0].receipt

    assert receipt.probe == "whole mirrored"
    assert receipt.log10_false_match == LOWEST_CLAIM  # geometry alone would claim far less


def test_exact_distances_are_for_trusted_callers(registry: Registry, china: Pixels) -> None:
    edited = jpeg(china, 30)

    assert registry.match(edited)[0].receipt.distance is None
    assert registry.match(edited, disclose=True)[0].receipt.distance is not None


def test_removed_work_is_gone_at_once(registry: Registry, china: Pixels) -> None:
    assert registry.match(china)

    registry.remove("china")

    assert registry.match(china) == []
    with pytest.raises(NotRegistered):
        registry.work("china")
    with pytest.raises(NotRegistered):
        registry.remove("china")


def test_another_process_sees_a_work_at_once(
    registry: Registry, tmp_path: Path, flower: Pixels
) -> None:
    other = Registry(tmp_path / "registry.sqlite", create=False)
    assert other.match(flower) == []

    registry.add(flower, {"id": "flower"})

    assert [match.work_id for match in other.match(flower)] == ["flower"]


def test_paths_and_media_are_accepted(
    registry: Registry, save: Callable[..., Path], flower: Pixels
) -> None:
    path = save(flower, "flower.jpg", quality=90)
    registry.add(path, {"id": "flower"})

    for source in (path, str(path), Media.open(path)):
        assert registry.match(source)[0].work_id == "flower"
    assert registry.match(path)[0].receipt.reason.startswith("The file is the registered file")


def test_declared_terms_come_back(registry: Registry, flower: Pixels) -> None:
    work_id = registry.add(
        flower,
        {"rights_holder": "Ada", "licence": "CC-BY-4.0", "training_opt_out": True},
    )

    work = registry.work(work_id)

    assert (work.rights_holder, work.licence, work.training_opt_out) == ("Ada", "CC-BY-4.0", True)
    assert registry.stats()["training_opt_outs"] == 1


def test_registration_that_has_ended_is_only_reviewed(registry: Registry, flower: Pixels) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    registry.add(flower, {"id": "old", "valid_until": yesterday})

    assert [match.decision for match in registry.match(flower)] == ["review"]


@pytest.mark.parametrize(
    "work",
    [
        {"colour": "red"},
        {"kind": "painting"},
        {"id": ""},
        {"valid_from": "2026-02-01", "valid_until": "2026-01-01"},
    ],
)
def test_unusable_fields_are_refused(
    registry: Registry, flower: Pixels, work: dict[str, object]
) -> None:
    with pytest.raises(WorkRefused):
        registry.add(flower, work)
    assert registry.stats()["works"] == 3


def test_an_id_is_taken_once(registry: Registry, flower: Pixels) -> None:
    with pytest.raises(WorkRefused, match="already"):
        registry.add(flower, {"id": "china"})


@pytest.mark.parametrize(
    ("pixels", "error"),
    [
        (np.zeros((40, 40), np.uint8), DamagedMedia),
        (np.zeros((40, 40, 3), np.float32), DamagedMedia),
        (np.zeros((4, 40, 3), np.uint8), LimitExceeded),
    ],
)
def test_unusable_pixels_are_refused(
    registry: Registry, pixels: Pixels, error: type[InputRefused]
) -> None:
    with pytest.raises(error):
        registry.match(pixels)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_one_colour_matches_nothing(registry: Registry, value: int) -> None:
    blank = np.full((200, 300, 3), value, np.uint8)
    registry.add(blank, {"id": "blank"})

    assert registry.match(np.full((300, 200, 3), value, np.uint8)) == []


def test_no_registry_is_made_by_asking(tmp_path: Path) -> None:
    path = tmp_path / "none.sqlite"

    assert Registry.open_existing(path) is None
    with pytest.raises(RegistryMissing):
        Registry(path, create=False)
    assert not path.exists()


def test_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("nothing to see here, certainly no database" * 100)

    with pytest.raises(RegistryUnusable):
        Registry(path)


def test_empty_registry_refuses_what_cannot_be_examined(tmp_path: Path) -> None:
    with pytest.raises(LimitExceeded):
        Registry(tmp_path / "empty.sqlite").match(np.zeros((4, 40, 3), np.uint8))

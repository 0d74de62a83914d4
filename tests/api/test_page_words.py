"""What pages say, without a browser."""

from __future__ import annotations

from typing import Any

from assay.api.pages import steps
from assay.api.pages.known_work import known_work
from assay.api.pages.work_pictures import WorkPicture
from assay.extending import EXAMINERS, load

KEPT = WorkPicture("A harbour", 256, 144, b"")
GEOMETRY = {
    "matched_box": (0.25, 0.25, 0.75, 0.75),
    "transform": ((0.5, 0.0, 128.0), (0.0, 0.5, 72.0)),
    "mirrored": False,
}
WHOLE = {**GEOMETRY, "matched_box": (0.0, 0.0, 1.0, 1.0)}


def told(receipt: dict[str, Any]) -> str:
    return known_work("w", receipt, KEPT, (640, 360)).box_told


def span(query: tuple[float, float], work: tuple[float, float]) -> dict[str, Any]:
    return {"query": query, "work": work, "frames": 4}


def test_every_examiner_has_a_title() -> None:
    assert set(load(EXAMINERS)) - set(steps.TITLES) == set()


def test_a_cut_of_a_video_names_the_stretch() -> None:
    cut = told({"geometry": WHOLE, "time_ranges": [span((0, 19.6), (5, 24.6))]})
    assert cut == "0:00 to 0:20 of this video shows 0:05 to 0:25 of the work."


def test_a_cropped_cut_names_stretch_and_part() -> None:
    cut = told({"geometry": GEOMETRY, "time_ranges": [span((0, 5), (3600, 3605))]})
    assert cut == (
        "0:00 to 0:05 of this video shows 1:00:00 to 1:00:05 of the work. "
        "The frame holds the part that was found, 25 % of the work’s picture."
    )


def test_many_stretches_are_counted() -> None:
    many = told({"time_ranges": [span((n, n + 1), (n, n + 1)) for n in range(8)]})
    assert many.endswith("0:04 to 0:05 of the work. 3 more stretches are in the details.")


def test_a_picture_in_a_video_and_in_a_picture() -> None:
    assert told({"query_seconds": 65.2}) == "It was found at 1:05 of this video."
    assert told({}) == "The whole look of the work was recognised."
    assert told({"geometry": GEOMETRY}) == (
        "The frame holds the part that was found, 25 % of the work."
    )

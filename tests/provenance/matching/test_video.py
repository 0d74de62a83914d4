"""Videos match where their frames run in step."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from assay.provenance.matching import Registry
from assay.provenance.matching.temporal import align_in_time

Pixels = NDArray[np.uint8]


def test_clip_is_found_where_it_was_cut() -> None:
    hits = [(float(t), t + 40.0) for t in range(10)] + [(3.0, 5.0), (7.0, 90.0)]

    (found,) = align_in_time(hits)

    assert (found.query, found.work, found.frames) == ((0.0, 9.0), (40.0, 49.0), 10)


def test_two_clips_are_two_ranges() -> None:
    hits = [(float(t), t + 40.0) for t in range(6)] + [(float(t), t - 5.0) for t in range(6, 20)]

    ranges = align_in_time(hits)

    assert [r.frames for r in ranges] == [14, 6]
    assert ranges[1].work == (40.0, 45.0)


def test_shuffled_frames_are_no_copy() -> None:
    order = np.random.default_rng(2).permutation(30)

    assert align_in_time([(float(t), float(place) * 3) for t, place in enumerate(order)]) == ()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=80))
def test_ranges_hold_what_they_say(hits: list[tuple[int, int]]) -> None:
    for found in align_in_time([(float(q), float(w)) for q, w in hits]):
        assert found.query[0] <= found.query[1]
        assert found.work[0] <= found.work[1]
        assert 3 <= found.frames <= len({query for query, _ in hits})


def encode(path: Path, frames: list[Pixels], rate: int = 4) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for pixels in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


@pytest.fixture(scope="module")
def frames(astronaut: Pixels, china: Pixels, coffee: Pixels) -> list[Pixels]:
    """Eight seconds of windows from three photographs, four frames a second."""
    windows = []
    for second in range(8):
        picture = (astronaut, china, coffee)[second % 3]
        left, top = 10 * second, 12 * second
        window = np.ascontiguousarray(picture[top : top + 240, left : left + 320])
        windows += [window] * 4
    return windows


def test_excerpt_of_a_video_is_matched_with_its_times(tmp_path: Path, frames: list[Pixels]) -> None:
    registry = Registry(tmp_path / "registry.sqlite")
    registry.add(encode(tmp_path / "work.mp4", frames), {"id": "film", "kind": "video"})
    excerpt = encode(tmp_path / "excerpt.mp4", [f[:, ::-1].copy() for f in frames[12:]])
    shuffled = encode(tmp_path / "shuffled.mp4", frames[24:28] + frames[12:16] + frames[0:4])

    (match,) = registry.match(excerpt)
    assert (match.work_id, match.decision) == ("film", "match")
    (time_range,) = match.receipt.time_ranges
    assert time_range.work[0] - time_range.query[0] == pytest.approx(3.0, abs=0.5)
    assert time_range.frames >= 4

    assert [m.decision for m in registry.match(shuffled)] == ["review"]
    assert [m.decision for m in registry.match(frames[20])] == ["match"]

"""Moments: every scene is visited, time and memory stay within bounds."""

import io

import numpy as np
import pytest
from PIL import Image

from assay.detector.video.budget import Budget
from assay.detector.video.sampling import FRAMES_PER_MOMENT, is_moving, plan, visit
from assay.errors import DamagedMedia
from assay.media import Media
from tests.videos import RATE, encode_video, pan


@pytest.fixture(scope="module")
def two_scenes():
    from skimage import data

    dark = (data.coffee() // 3).astype(np.uint8)
    return Media.from_bytes(encode_video(pan(data.astronaut(), 48) + pan(dark, 12)), name="two")


@pytest.fixture(scope="module")
def animation():
    from skimage import data

    frames = [Image.fromarray(frame) for frame in pan(data.astronaut(), 20)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:])
    return Media.from_bytes(buffer.getvalue())


def test_the_cut_is_found_and_both_scenes_are_visited(two_scenes):
    chosen = plan(two_scenes, 6, Budget(30))
    assert chosen.cuts == pytest.approx((4.0,), abs=0.1)
    assert any(seconds > 4 for seconds in chosen.times)
    assert sum(seconds < 4 for seconds in chosen.times) >= 3
    assert chosen.duration == pytest.approx(5, abs=0.2)


def test_a_short_scene_is_not_missed_by_few_moments(two_scenes):
    chosen = plan(two_scenes, 2, Budget(30))
    assert sorted(seconds > 4 for seconds in chosen.times) == [False, True]


def test_moments_hold_successive_frames_at_their_time(two_scenes):
    chosen = plan(two_scenes, 5, Budget(30))
    moments = list(visit(two_scenes, chosen, Budget(30)))
    assert len(moments) == len(chosen.times)
    for moment, wanted in zip(moments, chosen.times, strict=True):
        assert wanted <= moment.seconds <= wanted + 1.5 / RATE
        assert len(moment.frames) == FRAMES_PER_MOMENT
        steps = [np.abs(a.astype(int) - b).mean() for a, b in zip(*two(moment.frames), strict=True)]
        assert max(steps) < 30


def two(frames):
    return frames[:-1], frames[1:]


def test_times_are_visited_spread_first(two_scenes):
    times = plan(two_scenes, 8, Budget(30)).times
    assert max(times[:2]) - min(times[:2]) > 1.5


def test_without_time_only_the_first_moment_is_decoded(two_scenes, animation):
    for media in (two_scenes, animation):
        chosen = plan(media, 5, Budget(30))
        assert len(list(visit(media, chosen, Budget(0)))) == 1


def test_animations_are_sampled_in_one_pass(animation):
    assert is_moving(animation)
    chosen = plan(animation, 4, Budget(30))
    moments = list(visit(animation, chosen, Budget(30)))
    assert len(moments) == len(chosen.times) == 4
    assert [m.seconds for m in moments] == sorted(m.seconds for m in moments)


def test_bursts_and_pages_are_stills():
    buffer = io.BytesIO()
    pages = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    media = Media.from_bytes(buffer.getvalue())
    assert media.frames == 2
    assert not is_moving(media)


def test_a_damaged_stretch_does_not_take_the_rest_down(two_scenes):
    data = bytearray(two_scenes.data)
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    try:
        media = Media.from_bytes(bytes(data))
    except DamagedMedia:
        pytest.skip("the damage hit the header")
    chosen = plan(media, 6, Budget(30))
    assert len(list(visit(media, chosen, Budget(30)))) >= 1

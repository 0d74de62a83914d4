"""A video is scored by its moments, never claimed on a few, and never called captured."""

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from assay.detector import DetectorExaminer, explain, score_video
from assay.detector.linear import default_model
from assay.detector.verify import verify
from assay.detector.video.scoring import FEWEST
from assay.detector.video.temporal import measure
from assay.media import Media
from tests.videos import encode_video, pan


@pytest.fixture(scope="module")
def film():
    frames = pan(data.astronaut(), 30, 320, 400) + pan(data.coffee(), 30, 320, 400)
    return Media.from_bytes(encode_video(frames), name="film.mp4")


@pytest.fixture(scope="module")
def scored(film):
    return score_video(film, moments=6)


def changed(threshold):
    model = default_model()
    return replace(model, threshold=threshold, stability=threshold, domain=1.0)


def test_moments_come_in_the_order_of_time(scored):
    times = [moment.seconds for moment in scored.moments]
    assert times == sorted(times)
    assert scored.left_out == 0
    assert scored.interval[0] <= scored.probability <= scored.interval[1]
    first, last = scored.worst_segment
    assert first <= last
    highest = max(scored.moments, key=lambda moment: moment.log_odds)
    assert first <= highest.seconds <= last or len(scored.moments) > 3


def test_a_photograph_in_motion_is_not_claimed(scored):
    assert not scored.resembles_generated


def test_most_of_enough_moments_make_a_claim(film):
    eager = score_video(film, moments=6, model=changed(-1e9))
    assert len(eager.moments) >= FEWEST
    assert eager.claims > len(eager.moments) / 2
    assert eager.resembles_generated
    few = score_video(film, moments=3, model=changed(-1e9))
    assert few.claims == len(few.moments) < FEWEST
    assert not few.resembles_generated


def test_what_time_does_not_reach_is_reported_as_not_scored(film):
    verification = verify(film, examiners={"detector": DetectorExaminer(video_seconds=0.0)})
    (missing,) = verification.verdict.not_scored
    assert "were not decoded and scored within 0 s" in missing.why
    assert verification.find("detector-inconclusive") is not None


def test_evidence_of_a_video_is_weak_and_complete(film):
    (evidence,) = DetectorExaminer().examine(film)
    assert evidence.strength == "weak"
    assert evidence.points_to in ("nothing", "generated")
    details = evidence.details
    assert len(details["seconds_and_log_odds"]) == sum(details["reasons"].values())
    assert len(details["worst_segment_seconds"]) == 2
    assert set(details["temporal"]) <= {"noise_correlation", "second_difference", "still"}


def test_the_explanation_has_a_timeline_and_the_worst_moment(film):
    explanation = explain(film)
    assert list(explanation.maps) == ["timeline", "heatmap"]
    assert explanation.score is None
    assert "moments would count" in explanation.reasons[0]


def test_repeated_and_noisy_frames_are_told_apart():
    rng = np.random.default_rng(0)
    scene = data.coffee()
    noisy = [np.clip(scene + rng.normal(0, 6, scene.shape), 0, 255).astype(np.uint8) for _ in "abc"]
    fresh, repeated = measure(noisy), measure([noisy[0]] * 3)
    assert repeated.noise_correlation > 0.99
    assert fresh.noise_correlation < repeated.noise_correlation - 0.05
    assert repeated.second_difference < 0.1 < fresh.second_difference
    assert np.isnan(measure([scene]).noise_correlation)

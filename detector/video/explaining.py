"""What stands behind the score of a video: its timeline and its worst moment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from assay.detector.drawing import ACCENT, INK, PALE, SOFT, figure_png, new_figure
from assay.detector.frequency_plates import heatmap_plate
from assay.detector.loading import linear_part, load_model
from assay.detector.models import DetectorModel
from assay.detector.plates import Explanation, Plate
from assay.detector.video.budget import Budget
from assay.detector.video.sampling import Moment, Plan, visit
from assay.detector.video.scoring import SECONDS, VideoScore, score_video
from assay.errors import ConfigurationError
from assay.media import Media

_SEEKING = 10.0  # seconds; for the one frame that is drawn


def explain_video(
    media: Media, model: DetectorModel | None = None, *, seconds: float = SECONDS
) -> Explanation:
    """Timeline of the moments' scores, and the heat map of the highest one.

    Raises:
        DamagedMedia: no moment decodes.
    """
    video = score_video(media, model=model, seconds=seconds)
    plates = [timeline_plate(video)]
    worst = max(video.moments, key=lambda moment: moment.log_odds)
    only = Plan((worst.seconds,), (), video.plan.duration)
    for moment in visit(media, only, Budget(_SEEKING)):
        plates += _map_of(moment, model)
    return Explanation(None, tuple(reasons(video)), tuple(plates))


def _map_of(moment: Moment, model: DetectorModel | None) -> list[Plate]:
    """The heat map of a moment; none when the frequency model took no part in its score."""
    try:
        linear = linear_part(model or load_model())
    except ConfigurationError:
        return []
    plate = heatmap_plate(moment.frames[0], linear)
    title = f"Where the highest score comes from, at {moment.seconds:.1f} s"
    return [replace(plate, title=title)]


def reasons(video: VideoScore) -> list[str]:
    """Sentences on how many moments say what, and where they say it most."""
    first, last = video.worst_segment
    found = [
        f"{video.claims} of {len(video.moments)} moments would count as likely generated if they "
        f"were pictures; the highest scores lie from {first:.1f} to {last:.1f} s."
    ]
    if video.left_out:
        found.append(f"{video.left_out} chosen moments were not examined in the time allowed.")
    return found


def timeline_plate(video: VideoScore) -> Plate:
    """Log-odds of each moment over time, with scenes, threshold and worst segment."""
    figure = new_figure(7.2, 2.8)
    axes = figure.subplots()
    times = np.array([moment.seconds for moment in video.moments])
    values = np.array([moment.log_odds for moment in video.moments])
    bounds = np.array([moment.interval for moment in video.moments])
    bounds = np.log(np.clip(bounds, 1e-6, 1 - 1e-6) / (1 - np.clip(bounds, 1e-6, 1 - 1e-6)))
    first, last = video.worst_segment
    axes.axvspan(first, last, color=PALE, label="highest segment")
    axes.vlines(times, bounds[:, 0], bounds[:, 1], color=SOFT, linewidth=1)
    axes.plot(times, values, marker="o", markersize=4, color=ACCENT, label="moments")
    axes.axhline(video.threshold, color=INK, linewidth=0.9, linestyle="--", label="threshold")
    for cut in video.plan.cuts:
        axes.axvline(cut, color=SOFT, linewidth=0.6, linestyle=":")
    axes.set(xlabel="seconds", ylabel="log-odds of generated")
    axes.set_xlim(0, max(video.plan.duration, float(times.max()) + 0.1))
    axes.legend(frameon=False, fontsize=8, ncols=3, loc="lower right")
    return Plate(
        "timeline",
        "Scores over time",
        "Each dot is one moment, scored as a picture; upright lines are its interval, dotted ones "
        "cuts. The threshold was measured on still pictures. What happens between the moments "
        "was not examined.",
        figure_png(figure),
    )

"""Scoring a video: moments as pictures, then what holds for most of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.detector.models import DetectorModel
from assay.detector.scoring import Score, score
from assay.detector.video.budget import Budget
from assay.detector.video.sampling import Plan, plan, visit
from assay.detector.video.temporal import TemporalStatistics, measure
from assay.errors import DamagedMedia
from assay.media import Media

MOMENTS = 16
SECONDS = 30.0
# Moments that make up the worst segment.
SEGMENT = 3
# At least so many moments before a video as a whole is said to resemble generated ones.
FEWEST = 5


@dataclass(frozen=True)
class ScoredMoment:
    """One moment with its score; the pixels are not kept.

    Attributes:
        seconds: from the start.
        log_odds, probability, interval: as in `Score`.
        abstained, reason: as in `Score`.
        temporal: how its successive frames differ.
    """

    seconds: float
    log_odds: float
    probability: float
    interval: tuple[float, float]
    abstained: bool
    reason: str
    temporal: TemporalStatistics


@dataclass(frozen=True)
class VideoScore:
    """What the moments of a video say.

    Attributes:
        moments: in the order of time.
        plan: which moments were chosen.
        threshold: log-odds above which one picture counts as likely generated.
        model_name: what scored them.
        budget_seconds: wall-clock limit.
    """

    moments: tuple[ScoredMoment, ...]
    plan: Plan
    threshold: float
    model_name: str
    budget_seconds: float

    @property
    def log_odds(self) -> float:
        """Median over the moments."""
        return float(np.median([moment.log_odds for moment in self.moments]))

    @property
    def probability(self) -> float:
        """Of the median moment."""
        return float(1 / (1 + np.exp(-np.clip(self.log_odds, -30, 30))))

    @property
    def interval(self) -> tuple[float, float]:
        """From the first to the third quartile of the moments' probabilities."""
        low, high = np.percentile([moment.probability for moment in self.moments], (25, 75))
        return float(min(low, self.probability)), float(max(high, self.probability))

    @property
    def claims(self) -> int:
        """Moments that would count as likely generated if they were pictures."""
        return sum(not moment.abstained for moment in self.moments)

    @property
    def resembles_generated(self) -> bool:
        """Whether most moments do, of enough moments."""
        return len(self.moments) >= FEWEST and 2 * self.claims > len(self.moments)

    @property
    def left_out(self) -> int:
        """Chosen moments that were not examined."""
        return max(0, len(self.plan.times) - len(self.moments))

    @property
    def worst_segment(self) -> tuple[float, float]:
        """Seconds of the first and last of the successive moments with the highest mean score."""
        count = min(SEGMENT, len(self.moments))
        means = [
            np.mean([moment.log_odds for moment in self.moments[first : first + count]])
            for first in range(len(self.moments) - count + 1)
        ]
        first = int(np.argmax(means))
        return self.moments[first].seconds, self.moments[first + count - 1].seconds

    def temporal(self) -> dict[str, float]:
        """Median of each temporal statistic over the moments that have it."""
        found = {}
        for name in ("noise_correlation", "second_difference", "still"):
            values = np.array([getattr(moment.temporal, name) for moment in self.moments])
            if np.isfinite(values).any():
                found[name] = float(np.median(values[np.isfinite(values)]))
        return found


def score_video(
    media: Media,
    *,
    model: DetectorModel | None = None,
    moments: int = MOMENTS,
    seconds: float = SECONDS,
) -> VideoScore:
    """Score a video or an animation.

    Args:
        media: with more than one frame.
        model: default: the one that `score` uses.
        moments: how many to look at.
        seconds: wall-clock limit; moments that are not reached are left out. At least one
            moment is scored.

    Raises:
        DamagedMedia: no moment decodes.
    """
    budget = Budget(seconds)
    chosen = plan(media, moments, budget)
    found: list[ScoredMoment] = []
    threshold, name = 0.0, ""
    for moment in visit(media, chosen, budget):
        result = score(moment.frames[0], model=model)
        threshold, name = result.model.threshold, result.model.name
        found.append(_scored(moment.seconds, result, measure(moment.frames)))
    if not found:
        raise DamagedMedia(f"{media.name or 'input'}: no moment of the video decodes in time")
    return VideoScore(
        moments=tuple(sorted(found, key=lambda item: item.seconds)),
        plan=chosen,
        threshold=threshold,
        model_name=name,
        budget_seconds=seconds,
    )


def _scored(seconds: float, result: Score, temporal: TemporalStatistics) -> ScoredMoment:
    return ScoredMoment(
        seconds=seconds,
        log_odds=result.log_odds,
        probability=result.probability,
        interval=result.interval,
        abstained=result.abstained,
        reason=result.reason,
        temporal=temporal,
    )

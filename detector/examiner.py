"""The detector as an examiner: a score becomes evidence, never a verdict."""

from __future__ import annotations

from collections import Counter
from typing import Any

from assay.detector.explanation import GROUP_WORDS
from assay.detector.loading import load_model
from assay.detector.scoring import Score, score
from assay.detector.video.sampling import is_moving
from assay.detector.video.scoring import SECONDS, VideoScore, score_video
from assay.evidence import Evidence
from assay.media import Media


class DetectorExaminer:
    """Examines pictures, and moments of videos, with the detector model of the settings.

    Args:
        video_seconds: wall-clock limit for one video or animation; what was not reached is
            reported as not scored.
    """

    name = "detector"

    def __init__(self, video_seconds: float = SECONDS) -> None:
        self._video_seconds = video_seconds

    @property
    def version(self) -> str:
        model = load_model()
        return f"{model.name}/{model.version}"

    def examine(self, media: Media) -> list[Evidence]:
        """`likely-generated` or `detector-inconclusive`, of video `video-resembles-generated`.

        Raises:
            AssayError: the media cannot be decoded or the model cannot be loaded; `verify`
                records that as "not scored".
        """
        if is_moving(media):
            return self._of_video(score_video(media, seconds=self._video_seconds))
        result = score(media)
        if not result.likely_generated:
            summary = f"Pixel statistics decide nothing here: {result.reason}."
            return [self._evidence("detector-inconclusive", result, summary)]
        rate = result.model.card["threshold"]["worst_source_fpr"]
        summary = (
            "Pixel statistics resemble generated pictures; of photographs from the worst "
            f"source left out of training {100 * rate:.1f} % score as high."
        )
        return [self._evidence("likely-generated", result, summary)]

    def _evidence(self, finding: str, result: Score, summary: str) -> Evidence:
        likely = result.likely_generated
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="detector",
            finding=finding,
            points_to="generated" if likely else "nothing",
            strength="moderate" if likely else "weak",
            probability=round(result.probability, 4),
            summary=summary,
            details=_details(result),
        )

    def _of_video(self, video: VideoScore) -> list[Evidence]:
        """Weak at most: thresholds were measured on still pictures, not on video."""
        first, last = video.worst_segment
        resembles = video.resembles_generated
        counted = f"{video.claims} of {len(video.moments)} examined moments"
        if resembles:
            summary = (
                f"{counted} resemble generated pictures, most from {first:.1f} to {last:.1f} s. "
                "How often that happens with recorded video was not measured."
            )
        else:
            summary = f"Pixel statistics decide nothing: {counted} resemble generated pictures."
        found = [
            Evidence(
                examiner=self.name,
                version=self.version,
                kind="detector",
                finding="video-resembles-generated" if resembles else "detector-inconclusive",
                points_to="generated" if resembles else "nothing",
                strength="weak",
                probability=round(video.probability, 4),
                summary=summary,
                details=_video_details(video),
            )
        ]
        if video.left_out:
            found.append(self._left_out(video))
        return found

    def _left_out(self, video: VideoScore) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="not-scored",
            finding="not-scored",
            points_to="nothing",
            strength="weak",
            summary=f"{video.left_out} of {len(video.plan.times)} moments of the video were not "
            f"decoded and scored within {video.budget_seconds:g} s",
        )


def _details(result: Score) -> dict[str, Any]:
    """The numbers behind the evidence, JSON-ready."""
    return {
        "log_odds": round(result.log_odds, 3),
        "interval": _rounded(result.interval),
        "threshold_log_odds": round(result.model.threshold, 3),
        "abstained": result.abstained,
        "gate": result.gate or "",
        "reason": result.reason,
        "components": [
            {
                "model": part.model,
                "version": part.version,
                "log_odds": round(part.log_odds, 3),
                "contributions": {
                    GROUP_WORDS.get(group, group): round(value, 3)
                    for group, value in sorted(
                        part.contributions.items(), key=lambda item: -abs(item[1])
                    )
                },
            }
            for part in result.components
        ],
    }


def _video_details(video: VideoScore) -> dict[str, Any]:
    """The numbers behind the evidence on a video, JSON-ready."""
    first, last = video.worst_segment
    return {
        "log_odds": round(video.log_odds, 3),
        "interval": _rounded(video.interval),
        "threshold_log_odds": round(video.threshold, 3),
        "worst_segment_seconds": [round(first, 2), round(last, 2)],
        "cuts_seconds": [round(cut, 2) for cut in video.plan.cuts],
        "temporal": {name: round(value, 3) for name, value in video.temporal().items()},
        "seconds_and_log_odds": [
            [round(moment.seconds, 2), round(moment.log_odds, 3)] for moment in video.moments
        ],
        "reasons": dict(Counter(moment.reason for moment in video.moments if moment.reason)),
    }


def _rounded(interval: tuple[float, float]) -> list[float]:
    return [round(bound, 4) for bound in interval]

"""The face model as an examiner: reported apart from whole-image generation."""

from __future__ import annotations

import statistics
from typing import Any

from assay.detector.faces.model import FaceModel, default_model
from assay.detector.faces.scoring import FaceScore, score_faces
from assay.detector.video.budget import Budget
from assay.detector.video.sampling import is_moving, plan, visit
from assay.evidence import Evidence
from assay.media import Media

# Moments of a video whose faces are examined, and the wall-clock limit in seconds.
MOMENTS = 5
SECONDS = 10.0

_FAILED = "The face model failed on left-out sources, so it decides nothing."
_NOTHING = (
    "no step in colour or detail that untouched faces do not show as well. That does not show that "
    "they are genuine."
)


class FaceExaminer:
    """Looks for faces that were blended into a picture, or into moments of a video.

    Args:
        video_seconds: wall-clock limit for one video.
    """

    name = "faces"

    def __init__(self, video_seconds: float = SECONDS) -> None:
        self._video_seconds = video_seconds

    @property
    def version(self) -> str:
        model = default_model()
        return f"{model.name}/{model.version}"

    def examine(self, media: Media) -> list[Evidence]:
        """`face-forgery-suspected` or `face-inconclusive`; nothing when no face is found.

        Raises:
            AssayError: no face finder, damaged media or model; `verify` records it as "not
                scored".
        """
        model = default_model()
        if is_moving(media):
            return self._of_video(media, model)
        scores = score_faces(media.pixels(), model=model)
        if not scores:
            return []
        if not model.trustworthy:
            summary = _FAILED
        elif scores[0].suspected:
            summary = (
                "Around a face, colour or fine detail changes as it does where a face was blended "
                f"in; {_rate(model)} of untouched faces from left-out sources score as high."
            )
        else:
            summary = f"{_faces(len(scores))} examined: {_NOTHING}"
        details = {"faces": [_face(score) for score in scores]}
        found = self._evidence(scores[0].suspected, scores[0].probability, summary, details)
        return [found]

    def _of_video(self, media: Media, model: FaceModel) -> list[Evidence]:
        """The highest face of each moment; suspected when most moments are."""
        budget = Budget(self._video_seconds)
        highest: list[tuple[float, FaceScore]] = []
        for moment in visit(media, plan(media, MOMENTS, budget), budget):
            if scores := score_faces(moment.frames[0], model=model):
                highest.append((moment.seconds, scores[0]))
        if not highest:
            return []
        count = sum(score.suspected for _, score in highest)
        suspected = 2 * count > len(highest)
        counted = f"In {count} of {len(highest)} moments with a face"
        if not model.trustworthy:
            summary = _FAILED
        elif suspected:
            summary = (
                f"{counted}, colour or fine detail changes around it as it does where a face was "
                "blended in. How often recorded video does so was not measured."
            )
        else:
            summary = f"Faces in {len(highest)} moments were examined: {_NOTHING}"
        details = {
            "faces": [
                {"seconds": round(seconds, 2), **_face(score)}
                for seconds, score in sorted(highest, key=lambda item: item[0])
            ]
        }
        median = statistics.median(score.probability for _, score in highest)
        return [self._evidence(suspected, median, summary, details)]

    def _evidence(
        self, suspected: bool, probability: float, summary: str, details: dict[str, Any]
    ) -> Evidence:
        # Measured on self-blended pictures only, so never more than weak.
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="detector",
            finding="face-forgery-suspected" if suspected else "face-inconclusive",
            points_to="edited" if suspected else "nothing",
            strength="weak",
            probability=round(probability, 4),
            summary=summary,
            details=details,
        )


def _rate(model: FaceModel) -> str:
    return f"{100 * model.card['threshold']['overall_fpr']:.1f} %"


def _face(score: FaceScore) -> dict[str, Any]:
    return {
        "box": list(score.box),
        "probability": round(score.probability, 4),
        "suspected": score.suspected,
    }


def _faces(count: int) -> str:
    return "One face was" if count == 1 else f"{count} faces were"

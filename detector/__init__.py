"""Is this picture generated? Evidence from its pixels, calibrated, explained, and abstaining.

Public names: `score`, `Score`, `explain`, `Explanation`, `score_video`, `VideoScore`,
`score_faces`, `FaceScore`, `DetectorExaminer`, `FaceExaminer`. Everything else may change.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.detector.examiner import DetectorExaminer
    from assay.detector.explanation import explain
    from assay.detector.faces.examiner import FaceExaminer
    from assay.detector.faces.scoring import FaceScore, score_faces
    from assay.detector.plates import Explanation
    from assay.detector.scoring import Score, score
    from assay.detector.video.scoring import VideoScore, score_video

__all__ = [
    "DetectorExaminer",
    "Explanation",
    "FaceExaminer",
    "FaceScore",
    "Score",
    "VideoScore",
    "explain",
    "score",
    "score_faces",
    "score_video",
]

_HOMES = {
    "DetectorExaminer": "examiner",
    "Explanation": "plates",
    "FaceExaminer": "faces.examiner",
    "FaceScore": "faces.scoring",
    "Score": "scoring",
    "VideoScore": "video.scoring",
    "explain": "explanation",
    "score": "scoring",
    "score_faces": "faces.scoring",
    "score_video": "video.scoring",
}


def __getattr__(name: str) -> Any:
    # SciPy and OpenCV load with the first score, not with the judge that shares this room.
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)

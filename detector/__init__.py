"""Is this picture generated? Evidence from its pixels, calibrated, explained, and abstaining.

Public names: `score`, `Score`, `DetectorExaminer`. Everything else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.detector.examiner import DetectorExaminer
    from assay.detector.scoring import Score, score

__all__ = ["DetectorExaminer", "Score", "score"]


def __getattr__(name: str) -> Any:
    # SciPy and OpenCV load with the first score, not with the judge that shares this room.
    if name == "DetectorExaminer":
        from assay.detector.examiner import DetectorExaminer

        return DetectorExaminer
    if name in ("Score", "score"):
        from assay.detector import scoring

        return getattr(scoring, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Scoring the faces of a picture for traces of blending."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.crops import SMALLEST_FACE, crop_face
from assay.detector.faces.features import extract
from assay.detector.faces.finding import Box, CascadeFaces, FaceFinder, YunetFaces
from assay.detector.faces.model import FaceModel, default_model
from assay.settings import settings

# The largest faces are examined; a crowd would cost a second and tell little.
MOST_FACES = 5


@dataclass(frozen=True)
class FaceScore:
    """How one face scores.

    Attributes:
        box: (left, top, right, bottom) in pixels of the picture.
        log_odds: calibrated natural log-odds of "blended into the picture", equal priors.
        suspected: above the threshold of the model card.
    """

    box: Box
    log_odds: float
    suspected: bool

    @property
    def probability(self) -> float:
        return float(1 / (1 + np.exp(-np.clip(self.log_odds, -30, 30))))


def score_faces(
    pixels: NDArray[np.uint8],
    *,
    finder: FaceFinder | None = None,
    model: FaceModel | None = None,
) -> list[FaceScore]:
    """Score the largest faces of a picture, highest score first.

    Args:
        pixels: sRGB uint8, HxWx3.
        finder: default: `default_finder()`.
        model: default: the one that ships.

    Returns:
        One score per face of at least 64 px; empty when none is found.

    Raises:
        MissingExtra: there is no face finder.
        ConfigurationError: a model file is missing or damaged.
    """
    model = model or default_model()
    boxes = [
        _inside(box, pixels.shape[1], pixels.shape[0])
        for box in (finder or default_finder()).find(pixels)[:MOST_FACES]
    ]
    boxes = [b for b in boxes if min(b[2] - b[0], b[3] - b[1]) >= SMALLEST_FACE]
    if not boxes:
        return []
    features = np.stack([extract(crop_face(pixels, box)) for box in boxes])
    scores = [
        FaceScore(box, float(value), model.trustworthy and bool(value > model.threshold))
        for box, value in zip(boxes, model.log_odds(features), strict=True)
    ]
    return sorted(scores, key=lambda score: -score.log_odds)


@cache
def default_finder() -> FaceFinder:
    """YuNet where `ASSAY_FACE_DETECTOR` names its file, else the bundled cascade.

    Raises:
        MissingExtra: no file is named and scikit-image is not installed.
        ConfigurationError: the file is not a YuNet model.
    """
    path = settings().face_detector
    return YunetFaces(path) if path else CascadeFaces()


def _inside(box: Box, width: int, height: int) -> Box:
    left, top, right, bottom = box
    return max(0, left), max(0, top), min(width, right), min(height, bottom)

"""What every detector model has in common, whether it is ours, an ONNX file or from a hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Component:
    """What one model says.

    Attributes:
        model, version: which one, as in its model card.
        log_odds: calibrated natural log-odds of "generated".
        contributions: what each feature group adds to the log-odds; empty for a network.
    """

    model: str
    version: str
    log_odds: float
    contributions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reading:
    """What a model reads from one picture, before any gate.

    Attributes:
        members: calibrated log-odds by each member of a committee; one value without one.
        components: one per model that took part.
        unlike_training: whether the picture is unlike all that the model was trained on.
    """

    members: NDArray[np.float64]
    components: tuple[Component, ...]
    unlike_training: bool = False

    @property
    def log_odds(self) -> float:
        """Mean over the members."""
        return float(self.members.mean())


@dataclass(frozen=True)
class CardedModel:
    """A model that comes with a model card.

    Attributes:
        card: the model card, as published.
    """

    card: dict[str, Any] = field(kw_only=True)

    @property
    def name(self) -> str:
        return str(self.card["name"])

    @property
    def version(self) -> str:
        return str(self.card["version"])

    @property
    def trustworthy(self) -> bool:
        """Whether held-out performance allows any verdict at all."""
        return bool(self.card["trustworthy"])

    @property
    def objection(self) -> str:
        """Why this model may decide nothing; empty when it may."""
        return objection_of(self.card)


@dataclass(frozen=True)
class CalibratedModel(CardedModel):
    """A model whose card holds its calibration and its thresholds, too."""

    @property
    def threshold(self) -> float:
        return float(self.card["threshold"]["log_odds"])

    @property
    def stability(self) -> float:
        return float(self.card["threshold"]["stability_log_odds"])

    def calibrated(self, score: float) -> Reading:
        """One raw score as a reading."""
        fitted = self.card["calibration"]
        log_odds = fitted["slope"] * score + fitted["intercept"]
        return Reading(np.array([log_odds]), (Component(self.name, self.version, log_odds),))


class DetectorModel(Protocol):
    """A model that scores pictures.

    Attributes:
        card: the model card; `card["threshold"]` holds the rates behind `threshold`.
        threshold: calibrated log-odds above which held-out real pictures of the worst source
            were at most at the stated false-positive rate.
        stability: log-odds that mild further deliveries of a claimed picture must keep.
        objection: why this model may decide nothing at all; empty when it may.
    """

    @property
    def name(self) -> str: ...
    @property
    def version(self) -> str: ...
    @property
    def card(self) -> dict[str, Any]: ...
    @property
    def threshold(self) -> float: ...
    @property
    def stability(self) -> float: ...
    @property
    def objection(self) -> str: ...

    def read(self, pixels: NDArray[np.uint8]) -> Reading:
        """Score sRGB uint8 HxWx3 pixels as they came."""
        ...


UNTRUSTED = "the model failed its held-out test, so its scores are shown but decide nothing"
UNCALIBRATED = "the model is not calibrated here, so its scores are shown but decide nothing"


def objection_of(card: dict[str, Any]) -> str:
    """What a card says against its model deciding anything; empty when it may."""
    if card["trustworthy"]:
        return ""
    reason = card.get("distrusted_because")
    return f"{UNTRUSTED}: {reason}" if reason else UNTRUSTED

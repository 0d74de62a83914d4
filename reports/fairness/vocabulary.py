"""Words and the base type that all results share."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

VerdictCode = Literal["disparity-found", "none-found", "cannot-tell"]
Interval = tuple[float, float]

UNANSWERED = ("unclear", "no-face", "disagreement", "missing")
"""Values that say why there is no answer. They are counted and shown, never dropped."""


class Frozen(BaseModel):
    """Base of all result types."""

    model_config = ConfigDict(frozen=True, extra="forbid")

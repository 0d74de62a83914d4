"""Words that all results share."""

from __future__ import annotations

from typing import Literal

VerdictCode = Literal["disparity-found", "none-found", "cannot-tell"]
Interval = tuple[float, float]

UNANSWERED = ("unclear", "no-face", "disagreement", "missing")
"""Values that say why there is no answer. They are counted and shown, never dropped."""

"""The judge reads evidence and decides; examiners never do."""

from assay.detector.judge.judge import Judge
from assay.detector.judge.rules import Rule, Ruling

__all__ = ["Judge", "Rule", "Ruling"]

"""Frequency-artifact features: numbers that describe how pixels were made, not what they show."""

from assay.detector.features.extraction import (
    FEATURE_VERSION,
    GROUPS,
    NAMES,
    extract,
    extract_tiles,
)

__all__ = ["FEATURE_VERSION", "GROUPS", "NAMES", "extract", "extract_tiles"]

"""Invisible watermarks: 60 bits of payload that survive what the internet does to pictures."""

from assay.watermark.detection import Detection, detect
from assay.watermark.embedding import embed
from assay.watermark.geometry import Geometry
from assay.watermark.keys import PUBLIC_KEY, KeyFamily

__all__ = ["PUBLIC_KEY", "Detection", "Geometry", "KeyFamily", "detect", "embed"]

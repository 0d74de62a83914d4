"""Invisible watermarks: 60 bits of payload that survive what the internet does to pictures.

    marked = watermark.embed(pixels, payload, key=secret)
    found = watermark.detect(pixels, key=secret)      # Detection, or None

Everything that is not listed in `__all__` may change without notice; marks of a version stay
readable for ever (see `conformance`).
"""

from assay.watermark.detection import Detection, detect
from assay.watermark.embedding import embed
from assay.watermark.geometry import Geometry
from assay.watermark.images import MINIMUM_SIDE
from assay.watermark.keys import PUBLIC_KEY, VERSION, KeyFamily
from assay.watermark.localisation import Localisation, Region, localise, presence_map
from assay.watermark.payload import PAYLOAD_BITS
from assay.watermark.rendering import render_difference
from assay.watermark.statistics import OPERATING_POINT_LOG10
from assay.watermark.video import (
    VideoDetector,
    VideoMarker,
    VideoReport,
    detect_video,
    embed_video,
)

__all__ = [
    "MINIMUM_SIDE",
    "OPERATING_POINT_LOG10",
    "PAYLOAD_BITS",
    "PUBLIC_KEY",
    "VERSION",
    "Detection",
    "Geometry",
    "KeyFamily",
    "Localisation",
    "Region",
    "VideoDetector",
    "VideoMarker",
    "VideoReport",
    "detect",
    "detect_video",
    "embed",
    "embed_video",
    "localise",
    "presence_map",
    "render_difference",
]

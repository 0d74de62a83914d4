"""Finished pixels as files: pictures by Pillow, clips as H.264."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import PurePath

import numpy as np
from PIL import Image

from assay.errors import OutputRefused
from assay.provenance.generation.pixels import Pixels
from assay.watermark.video import ENCODERS
from assay.watermark.video_frames import pixel_format

_PICTURES = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
_VIDEOS = {".mp4": "mp4", ".mov": "mov"}


def is_video_name(path: PurePath) -> bool:
    """Whether a file of this name is a video.

    Raises:
        OutputRefused: neither a picture nor a video that can carry both marks.
    """
    suffix = path.suffix.lower()
    if suffix not in _PICTURES | _VIDEOS.keys():
        raise OutputRefused(
            f"{path}: not a format for marked outputs",
            advice="use one of " + " ".join([*_PICTURES, *_VIDEOS]),
        )
    return suffix in _VIDEOS


def encode_picture(pixels: Pixels, path: PurePath, *, quality: int, lossless: bool) -> bytes:
    """The bytes of a picture file, without any metadata.

    Args:
        pixels: uint8 (H, W, 3) or (H, W, 4).
        path: its suffix names the format; JPEG gets transparency composed over white.
        quality: of JPEG, WebP and AVIF, 1 to 100.
        lossless: for WebP.
    """
    kind = _PICTURES[path.suffix.lower()]
    image = Image.fromarray(pixels)
    if kind == "JPEG" and image.mode == "RGBA":
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    options: dict[str, object] = {}
    if kind in ("JPEG", "WEBP", "AVIF"):
        options["quality"] = quality
    if kind == "WEBP":
        options["lossless"] = lossless
    if kind == "TIFF":
        options["compression"] = "tiff_adobe_deflate"
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def encode_clip(frames: Sequence[Pixels], path: PurePath, fps: float) -> bytes:
    """The bytes of an H.264 file in MP4 or QuickTime.

    Args:
        frames: uint8 (H, W, 3), all of one size.
        path: its suffix names the container.
        fps: frames per second.
    """
    import av

    height, width = frames[0].shape[:2]
    name, options = ENCODERS["h264"]
    buffer = io.BytesIO()
    rate = Fraction(fps).limit_denominator(1001)
    with av.open(buffer, "w", format=_VIDEOS[path.suffix.lower()]) as container:
        stream = container.add_stream(name, rate=rate, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = pixel_format(height, width)
        for frame in frames:
            rgb = np.ascontiguousarray(frame[..., :3])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return buffer.getvalue()

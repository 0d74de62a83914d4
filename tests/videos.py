"""Small real videos."""

from __future__ import annotations

import io
from collections.abc import Sequence

import av
import numpy as np
from numpy.typing import NDArray

RATE = 12  # frames per second

Pixels = NDArray[np.uint8]


def encode_video(frames: Sequence[Pixels]) -> bytes:
    """H.264 in MP4, a key frame at least every second."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=RATE, options={"g": str(RATE)})
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            for packet in stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return buffer.getvalue()


def pan(picture: Pixels, count: int, height: int = 240, width: int = 320) -> list[Pixels]:
    """A slow pan to the right."""
    return [np.ascontiguousarray(picture[:height, step : step + width]) for step in range(count)]

"""Decoded video frames as planes, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import av
import numpy as np
from av.video.reformatter import ColorRange
from numpy.typing import NDArray

#: Studio-swing luma spans 219 of 255 levels from 16 up (ITU-R BT.601).
STUDIO_BLACK, STUDIO_SPAN = 16, 219


@dataclass(frozen=True, eq=False)
class Planes:
    """A frame as 8-bit planes.

    Attributes:
        luma, blue, red: uint8, shape (h, w); chroma is halved in both directions when both sides
            are even.
        full_range: luma spans 0 to 255 instead of 16 to 235.
    """

    luma: NDArray[np.uint8]
    blue: NDArray[np.uint8]
    red: NDArray[np.uint8]
    full_range: bool

    def gray(self) -> NDArray[np.uint8]:
        """Luma stretched to 0 to 255."""
        if self.full_range:
            return self.luma
        spread = (self.luma.astype(np.float32) - STUDIO_BLACK) * (255 / STUDIO_SPAN)
        return np.asarray(np.clip(np.rint(spread), 0, 255), np.uint8)

    def changed(self, change: NDArray[np.float32]) -> Planes:
        """With `change`, in levels of `gray`, added to the luma."""
        scale = np.float32(1.0 if self.full_range else STUDIO_SPAN / 255)
        luma = np.asarray(np.clip(np.rint(self.luma + scale * change), 0, 255), np.uint8)
        return replace(self, luma=luma)

    def turned(self, quarters: int) -> Planes:
        """Turned counter-clockwise by quarter turns."""
        luma, blue, red = (np.rot90(p, quarters) for p in (self.luma, self.blue, self.red))
        return Planes(luma, blue, red, self.full_range)


def pixel_format(height: int, width: int) -> str:
    """4:2:0 where the sides allow it."""
    return "yuv420p" if height % 2 == 0 and width % 2 == 0 else "yuv444p"


def planes_of(frame: av.VideoFrame) -> Planes:
    """Copies of a frame's planes, 8 bits deep.

    Copies, because the decoder still predicts later frames from its own.
    """
    planar = frame.reformat(format=pixel_format(frame.height, frame.width))
    arrays = []
    for plane in planar.planes:
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
        arrays.append(rows[:, : plane.width].copy())
    return Planes(arrays[0], arrays[1], arrays[2], frame.color_range == ColorRange.JPEG)


def frame_of(planes: Planes, like: av.VideoFrame) -> av.VideoFrame:
    """A new frame of these planes with the time stamp and colour range of another."""
    height, width = planes.luma.shape
    frame = av.VideoFrame(width, height, pixel_format(height, width))
    for plane, array in zip(frame.planes, (planes.luma, planes.blue, planes.red), strict=True):
        rows = np.zeros((plane.height, plane.line_size), np.uint8)
        rows[:, : plane.width] = array
        plane.update(rows.tobytes())
    frame.pts = like.pts
    if like.time_base is not None:
        frame.time_base = like.time_base
    frame.color_range, frame.colorspace = like.color_range, like.colorspace
    return frame


def quarter_turns(frame: av.VideoFrame) -> int:
    """Quarter turns, counter-clockwise, that show a frame upright: phones store it turned."""
    return round(frame.rotation / 90) % 4

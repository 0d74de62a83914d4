"""From what a caller has (path, `Media`, array) to the pictures that are fingerprinted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.errors import DamagedMedia, LimitExceeded
from assay.media import Media

Source = str | Path | Media | NDArray[np.uint8]

SECONDS_BETWEEN_FRAMES = 1.0  # of a video; ThreatExchange's vPDQ default
FRAMES_PER_SECOND = 10.0  # assumed of an animation, which does not say
SMALLEST_SIDE = 8  # pixels, as `Limits.min_side`


@dataclass(frozen=True)
class Picture:
    """One still, or one frame of a video.

    Attributes:
        pixels: upright sRGB uint8 HxWx3.
        seconds: position in the video, None for a still.
        sha256: of the file it came from, None for an array.
    """

    pixels: NDArray[np.uint8]
    seconds: float | None = None
    sha256: str | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]


def pictures_of(src: Source) -> Iterator[Picture]:
    """The still, or one frame for each second of an animation or video.

    Raises:
        InputRefused: a subclass says why; see `assay.errors`.
    """
    if isinstance(src, np.ndarray):
        yield Picture(_checked(src))
        return
    media = src if isinstance(src, Media) else Media.open(src)
    if media.frames <= 1:
        yield Picture(media.pixels(), None, media.sha256)
        return
    rate = media.frames / media.seconds if media.seconds else FRAMES_PER_SECOND
    following = 0.0
    for index, frame in enumerate(media.frames_iter()):
        seconds = index / rate
        if seconds >= following:
            yield Picture(frame, round(seconds, 3), media.sha256)
            following += SECONDS_BETWEEN_FRAMES


def first_picture(src: Source) -> Picture:
    """The still, or the first frame."""
    return next(pictures_of(src))


def _checked(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise DamagedMedia(
            f"pixels are {pixels.dtype} {'x'.join(map(str, pixels.shape))}, "
            "expected uint8 height x width x 3"
        )
    if min(pixels.shape[:2]) < SMALLEST_SIDE:
        raise LimitExceeded(
            f"{pixels.shape[1]}x{pixels.shape[0]} pixels, a side under {SMALLEST_SIDE} "
            "leaves nothing to match"
        )
    return pixels

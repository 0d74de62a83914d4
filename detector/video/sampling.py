"""Choosing moments of a video: at least one in each scene, the rest spread evenly.

Scenes are found on key frames, which encoders put at cuts, so a long video is not decoded as a
whole; each chosen moment is then reached by seeking.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.detector.video.budget import Budget
from assay.errors import DamagedMedia
from assay.media import Media

Pixels = NDArray[np.uint8]

# Successive frames of one moment: three give second differences in time.
FRAMES_PER_MOMENT = 3
# Share of the pixels whose colours two key frames do not have in common that counts as a cut;
# unlike a difference of pixels, it is blind to a moving camera.
CUT = 0.35
_THUMBNAIL = (64, 36)
_COLOUR_LEVELS = 4  # of each channel
_MOST_KEY_FRAMES = 2000
# Share of the budget that finding scenes may take.
_SCENE_SHARE = 0.25
# Frames decoded from a key frame on until the moment is reached; encoders default to 250.
_LONGEST_GROUP = 300
_ANIMATED_TYPES = frozenset({"image/gif", "image/webp", "image/png", "image/avif"})
_ANIMATION_RATE = 10.0  # frames a second, where a file states none


@dataclass(frozen=True)
class Moment:
    """A moment of a video.

    Attributes:
        seconds: from the start.
        frames: up to three successive frames, sRGB uint8 HxWx3.
    """

    seconds: float
    frames: tuple[Pixels, ...]


@dataclass(frozen=True)
class Plan:
    """Which moments to look at.

    Attributes:
        times: seconds, in the order in which to visit them: spread first, dense later, so that
            running out of time leaves no half of the video out.
        cuts: seconds at which a new scene begins.
        duration: seconds.
    """

    times: tuple[float, ...]
    cuts: tuple[float, ...]
    duration: float


def is_moving(media: Media) -> bool:
    """Whether media are a video or an animation; pages and bursts are stills."""
    return not media.is_image or (media.frames > 1 and media.media_type in _ANIMATED_TYPES)


def plan(media: Media, count: int, budget: Budget) -> Plan:
    """Choose `count` moments.

    Raises:
        DamagedMedia: the video does not decode.
    """
    count = max(1, min(count, media.frames // FRAMES_PER_MOMENT))
    if media.is_image:
        duration = media.frames / _ANIMATION_RATE
        return Plan(_spread(_even(duration, count)), (), duration)
    key_frames = _key_frames(media, budget.part(_SCENE_SHARE))
    duration = media.seconds or (key_frames[-1][0] if key_frames else 0.0)
    cuts = find_cuts(key_frames)
    return Plan(_spread(_times(duration, cuts, count)), cuts, duration)


def visit(media: Media, chosen: Plan, budget: Budget) -> Iterator[Moment]:
    """Decode the chosen moments until the budget is spent; the first one in any case.

    Raises:
        DamagedMedia: the video does not decode.
    """
    if media.is_image:
        yield from _visit_animation(media, chosen, budget)
        return
    with _open(media) as container:
        stream = container.streams.video[0]
        stream.codec_context.options = {"max_pixels": str(media.limits.max_pixels)}
        for number, seconds in enumerate(chosen.times):
            if number and budget.spent:
                return
            moment = _seek(container, stream, seconds, budget)
            if moment is not None:
                yield moment


def find_cuts(key_frames: Sequence[tuple[float, NDArray[np.float64]]]) -> tuple[float, ...]:
    """Times of the key frames whose colours are unlike those of the one before."""
    return tuple(
        later
        for (_, before), (later, after) in pairwise(key_frames)
        if float(np.abs(after - before).sum()) / 2 > CUT
    )


def _times(duration: float, cuts: Sequence[float], count: int) -> list[float]:
    """The middle of every scene, the longest first, and even steps for what is left."""
    borders = [0.0, *(c for c in cuts if 0 < c < duration), duration]
    scenes = sorted(pairwise(borders), key=lambda scene: scene[0] - scene[1])
    middles = [(start + end) / 2 for start, end in scenes[:count]]
    return sorted({*middles, *_even(duration, count - len(middles))})


def _even(duration: float, count: int) -> list[float]:
    return [duration * (number + 0.5) / count for number in range(count)]


def _spread(times: Sequence[float]) -> tuple[float, ...]:
    """The same times, each as far as possible from those before it (van der Corput order)."""
    ordered = sorted(times)
    return tuple(ordered[i] for i in sorted(range(len(ordered)), key=_reversed_bits))


def _reversed_bits(number: int) -> float:
    value, weight = 0.0, 0.5
    while number:
        value, number, weight = value + weight * (number & 1), number >> 1, weight / 2
    return value


def _key_frames(media: Media, budget: Budget) -> list[tuple[float, NDArray[np.float64]]]:
    """Time and colour shares of the key frames, as far as the budget goes."""
    found: list[tuple[float, NDArray[np.float64]]] = []
    with _open(media) as container:
        stream = container.streams.video[0]
        stream.codec_context.skip_frame = "NONKEY"
        stream.codec_context.options = {"max_pixels": str(media.limits.max_pixels)}
        try:
            for frame in islice(container.decode(stream), _MOST_KEY_FRAMES):
                small = frame.reformat(*_THUMBNAIL, format="rgb24").to_ndarray()
                found.append((float(frame.time or 0.0), _colour_shares(small)))
                if budget.spent:
                    break
        except _errors() as error:
            raise DamagedMedia(f"{media.name or 'input'}: {error}") from error
    return found


def _colour_shares(pixels: Pixels) -> NDArray[np.float64]:
    level = pixels.astype(np.int64) * _COLOUR_LEVELS // 256
    code = (level * [_COLOUR_LEVELS**2, _COLOUR_LEVELS, 1]).sum(2).ravel()
    counts = np.bincount(code, minlength=_COLOUR_LEVELS**3)
    return np.asarray(counts / code.size, np.float64)


def _seek(container: Any, stream: Any, seconds: float, budget: Budget) -> Moment | None:
    """The frames at a time, or the last ones before the end; None when nothing decodes there."""
    frames: list[Any] = []
    try:
        container.seek(int(seconds / stream.time_base), stream=stream)
        for frame in islice(container.decode(stream), _LONGEST_GROUP):
            frames.append(frame)
            reached = (frames[0].time or 0.0) >= seconds and len(frames) == FRAMES_PER_MOMENT
            if reached or budget.spent:
                break
            del frames[: max(0, len(frames) - FRAMES_PER_MOMENT + 1)]
    except _errors():
        # One damaged stretch does not take the other moments down.
        if not frames:
            return None
    if not frames:
        return None
    pixels = tuple(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in frames)
    return Moment(float(frames[0].time or seconds), pixels)


def _visit_animation(media: Media, chosen: Plan, budget: Budget) -> Iterator[Moment]:
    """Animations have no index to seek in: one pass, in order."""
    wanted = sorted({int(seconds * _ANIMATION_RATE) for seconds in chosen.times})
    held: list[Pixels] = []
    seen = False
    for number, frame in enumerate(media.frames_iter()):
        if not wanted or (budget.spent and seen):
            return
        if number >= wanted[0]:
            held.append(frame)
        if held and (len(held) == FRAMES_PER_MOMENT or number + 1 == media.frames):
            yield Moment((number + 1 - len(held)) / _ANIMATION_RATE, tuple(held))
            wanted = [n for n in wanted if n > number]
            held, seen = [], True


def _open(media: Media) -> Any:
    import av

    try:
        return av.open(io.BytesIO(media.data), "r")
    except _errors() as error:
        raise DamagedMedia(f"{media.name or 'input'}: {error}") from error


def _errors() -> tuple[type[Exception], ...]:
    import av

    return (av.error.FFmpegError, OSError, ValueError, RuntimeError)

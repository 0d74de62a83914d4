"""The watermark on `Media`, pictures and videos alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from assay.encoding import replace_pixels
from assay.errors import ConfigurationError, InputRefused
from assay.media import Media
from assay.watermark import Detection, detect, embed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.watermark.localisation import Region

_SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-matroska": ".mkv",
}


def mark(
    media: Media,
    payload: int,
    *,
    key: bytes | None,
    strength: float = 1.0,
    mask: NDArray[np.float32] | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> Media:
    """A copy whose pixels or frames carry `payload`; alpha, metadata and audio are kept.

    Args:
        media: a still picture or a video.
        payload: 60 bits.
        key: None is the documented public key.
        strength: factor on the strength that visibility allows.
        mask: where the mark may go, 0..1, shape (H, W); pictures only.
        progress: called with (frames done, frames in all or None); videos only.

    Raises:
        AlreadyMarked: the media carry a watermark of this key.
        ConfigurationError: a mask was given for a video.
        InputRefused: the media cannot be marked or encoded again.
    """
    try:
        if media.is_image:
            pixels = embed(media.pixels(), payload, key=key, strength=strength, mask=mask)
            data = replace_pixels(media, pixels.astype(np.uint8))
        elif mask is not None:
            raise ConfigurationError("a mask applies to pictures, not to video")
        else:
            data = _mark_video(media, payload, key, strength, progress)
    except InputRefused as refusal:
        label = media.name or "input"
        if refusal.message.startswith(label):
            raise
        raise type(refusal)(f"{label}: {refusal.message}", advice=refusal.advice) from refusal
    return Media.from_bytes(data, name=media.name, limits=media.limits)


def find(media: Media, *, key: bytes | None, fast: bool = False) -> Detection | None:
    """The mark of a picture or video, or None.

    Args:
        media: anything that opened.
        key: None is the documented public key.
        fast: look only for marks that were not scaled or rotated; pictures only.
    """
    if media.is_image:
        return detect(media.pixels(), key=key, search="fast" if fast else "full")
    from assay.watermark.video import detect_video

    with _on_disk(media) as path:
        return detect_video(path, key=key)


def regions(media: Media, found: Detection, *, key: bytes | None) -> tuple[Region, ...]:
    """Boxes around the marked parts of a picture whose mark was found, strongest first."""
    from assay.watermark.localisation import localise

    located = localise(media.pixels(), key=key, found=found)
    return () if located is None else located.regions


def _mark_video(
    media: Media,
    payload: int,
    key: bytes | None,
    strength: float,
    progress: Callable[[int, int | None], None] | None,
) -> bytes:
    from assay.watermark.video import embed_video

    with _on_disk(media) as source:
        target = source.with_name(f"marked{source.suffix}")
        embed_video(source, target, payload, key=key, strength=strength, progress=progress)
        return target.read_bytes()


@contextmanager
def _on_disk(media: Media) -> Iterator[Path]:
    """The video as a file: FFmpeg seeks in it, and `Media` holds bytes."""
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        path = Path(folder) / f"video{_SUFFIXES[media.media_type]}"
        path.write_bytes(media.data)
        yield path

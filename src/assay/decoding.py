"""From bytes to upright sRGB pixels, inside limits.

Pillow decodes stills and animations, PyAV decodes video. Headers are read first; a picture
over the limits is refused before a single pixel exists.
"""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pillow_heif
from PIL import Image, ImageFile, UnidentifiedImageError

from assay.errors import DamagedMedia, LimitExceeded
from assay.limits import Limits
from assay.sniffing import IMAGE_TYPES
from assay.upright import upright_srgb

if TYPE_CHECKING:
    from numpy.typing import NDArray

pillow_heif.register_heif_opener()

# Pillow warns about large and odd files; here a limit is an error and damage is an error, so
# the warnings are noise. A module-wide filter, because `catch_warnings` is not thread-safe.
warnings.filterwarnings("ignore", module=r"PIL\..*")
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)

_PILLOW_FORMATS = {
    "image/jpeg": ("JPEG", "MPO"),
    "image/png": ("PNG",),
    "image/gif": ("GIF",),
    "image/webp": ("WEBP",),
    "image/tiff": ("TIFF",),
    "image/avif": ("AVIF",),
    "image/heic": ("HEIF",),
}

# What decoders raise on hostile input; anything else is a bug of ours and must surface.
_DECODER_ERRORS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    OverflowError,
    RuntimeError,
    Image.DecompressionBombError,
)
_ORIENTATION = 0x0112
TIFF_PAGES = 1_000  # a scanned book; Pillow needs seconds to seek behind that
_SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height


@dataclass(frozen=True)
class Header:
    """Dimensions of the upright picture in pixels, and its length."""

    width: int
    height: int
    frames: int
    seconds: float | None


def probe(data: bytes, media_type: str, limits: Limits, label: str) -> Header:
    """Read the header and hold it against the limits.

    Raises:
        DamagedMedia: the header cannot be read.
        LimitExceeded: too many or too few pixels, frames or seconds.
    """
    if media_type in IMAGE_TYPES:
        with open_image(data, media_type, label, limits) as image:
            width, height = image.size
            _check_size(width, height, limits, label)
            with _decoder_errors(label):
                if _sideways(image, data):
                    width, height = height, width
                header = Header(width, height, _count_frames(image, data, limits), None)
    else:
        header = _probe_video(data, limits, label)
    if media_type == "image/tiff" and header.frames > TIFF_PAGES:
        raise LimitExceeded(f"{label}: more than {TIFF_PAGES:,} pages")
    if header.frames > limits.max_frames:
        raise LimitExceeded(
            f"{label}: {header.frames:,} frames, the limit is {limits.max_frames:,}"
        )
    return header


def _count_frames(image: Image.Image, data: bytes, limits: Limits) -> int:
    """Frames of an animation or pages of a TIFF, counted no further than one over the limit."""
    if image.format == "TIFF":
        # Pillow's own count takes quadratic time on a file with very many directories.
        return min(_count_tiff_pages(data, TIFF_PAGES + 1), limits.max_frames + 1)
    return int(getattr(image, "n_frames", 1))


def _count_tiff_pages(data: bytes, most: int) -> int:
    """Length of the chain of image file directories (TIFF 6.0 section 2), at most `most`."""
    order: Literal["little", "big"] = "little" if data[:2] == b"II" else "big"
    at, seen = int.from_bytes(data[4:8], order), set[int]()
    while at and at not in seen and len(seen) < most:
        seen.add(at)
        entries = int.from_bytes(data[at : at + 2], order)
        link = at + 2 + 12 * entries
        at = int.from_bytes(data[link : link + 4], order)
    return max(1, len(seen))


def decode_frames(
    data: bytes, media_type: str, header: Header, limits: Limits, label: str
) -> Iterator[NDArray[np.uint8]]:
    """Yield every frame upright, as sRGB uint8 HxWx3."""
    if media_type in IMAGE_TYPES:
        with open_image(data, media_type, label, limits) as image:
            yield from _image_frames(image, header, label)
    else:
        yield from _video_frames(data, header, limits, label)


@contextmanager
def open_image(data: bytes, media_type: str, label: str, limits: Limits) -> Iterator[Image.Image]:
    """A Pillow image of exactly this media type, not yet decoded.

    Raises:
        DamagedMedia, LimitExceeded: as `probe`.
    """
    if Image.MAX_IMAGE_PIXELS and limits.max_pixels > 2 * Image.MAX_IMAGE_PIXELS:
        Image.MAX_IMAGE_PIXELS = limits.max_pixels
    # A library in this process (WeasyPrint does) may have told Pillow to fill what is missing.
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    with _decoder_errors(label):
        image = Image.open(io.BytesIO(data), formats=_PILLOW_FORMATS[media_type])
    with image:
        yield image


@contextmanager
def _decoder_errors(label: str) -> Iterator[None]:
    """Turn what a decoder raises into one of our errors."""
    try:
        yield
    except Image.DecompressionBombError as error:
        raise LimitExceeded(
            f"{label}: its header claims so many pixels that it is taken for a decompression bomb"
        ) from error
    except UnidentifiedImageError as error:
        raise DamagedMedia(f"{label}: the header is damaged") from error
    except MemoryError as error:
        raise LimitExceeded(f"{label}: does not fit into memory") from error
    except (KeyError, IndexError, TypeError, struct.error) as error:
        raise DamagedMedia(f"{label}: does not decode: its structure is broken") from error
    except _DECODER_ERRORS as error:
        raise DamagedMedia(f"{label}: does not decode: {error}") from error


@contextmanager
def _video_errors(label: str) -> Iterator[None]:
    """As `_decoder_errors`, with those of FFmpeg that derive from no builtin error."""
    import av

    try:
        with _decoder_errors(label):
            yield
    except av.FFmpegError as error:
        raise DamagedMedia(f"{label}: does not decode: {error}") from error


def _check_size(width: int, height: int, limits: Limits, label: str) -> None:
    if min(width, height) < limits.min_side:
        raise LimitExceeded(
            f"{label}: {width}x{height} pixels, a side under {limits.min_side} "
            "leaves nothing to examine"
        )
    if max(width, height) > limits.max_side:
        raise LimitExceeded(
            f"{label}: {width}x{height} pixels, the limit for a side is {limits.max_side:,}"
        )
    if width * height > limits.max_pixels:
        raise LimitExceeded(
            f"{label}: {width}x{height} is {width * height / 1e6:,.0f} MP, "
            f"the limit is {limits.max_pixels / 1e6:,.0f} MP",
            advice="raise it with ASSAY_LIMITS__MAX_PIXELS",
        )


def _sideways(image: Image.Image, data: bytes) -> bool:
    """Whether EXIF turns the picture by a quarter; the HEIC decoder turns it itself."""
    if image.format == "HEIF" or (image.format == "PNG" and b"eXIf" not in data):
        return False  # Pillow would decode a whole PNG to look for EXIF behind the pixels
    return image.getexif().get(_ORIENTATION) in _SIDEWAYS


def _image_frames(image: Image.Image, header: Header, label: str) -> Iterator[NDArray[np.uint8]]:
    for index in range(header.frames):
        with _decoder_errors(label):
            if index:
                image.seek(index)
            pixels = np.asarray(upright_srgb(image), dtype=np.uint8)
        yield pixels.copy()


def _probe_video(data: bytes, limits: Limits, label: str) -> Header:
    import av

    with _video_errors(label), av.open(io.BytesIO(data), "r") as container:
        if not container.streams.video:
            raise DamagedMedia(f"{label}: holds no video stream")
        stream = container.streams.video[0]
        if stream.codec_context is None:
            raise DamagedMedia(f"{label}: its video is in no codec that is known")
        width, height = stream.codec_context.width, stream.codec_context.height
        _check_size(width, height, limits, label)
        seconds = None if container.duration is None else container.duration / 1e6
        if seconds is not None and seconds > limits.max_seconds:
            raise LimitExceeded(
                f"{label}: {seconds:,.0f} s of video, the limit is {limits.max_seconds:,.0f} s",
                advice="raise it with ASSAY_LIMITS__MAX_SECONDS",
            )
        rate = float(stream.average_rate or 0)
        frames = stream.frames or max(1, round((seconds or 0) * rate))
    return Header(width, height, frames, seconds)


def _video_frames(
    data: bytes, header: Header, limits: Limits, label: str
) -> Iterator[NDArray[np.uint8]]:
    import av

    with _video_errors(label), av.open(io.BytesIO(data), "r") as container:
        stream = container.streams.video[0]
        # A frame may be larger than the header says; FFmpeg then refuses to allocate it.
        stream.codec_context.options = {"max_pixels": str(limits.max_pixels)}
        yielded = 0
        for frame in container.decode(stream):
            if yielded >= limits.max_frames or (frame.time or 0) > limits.max_seconds:
                return
            if (frame.width, frame.height) != (header.width, header.height):
                raise DamagedMedia(f"{label}: a frame is not of the size the header says")
            yielded += 1
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
        if not yielded:
            raise DamagedMedia(f"{label}: holds no frame that decodes")

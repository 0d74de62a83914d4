"""One small file of every format that carries a manifest, made by independent encoders."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path

import av
import numpy as np
import pillow_heif
from PIL import Image
from skimage import data

_DNG_VERSION = 0xC612
_RATE = 44_100
_SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    b'<rect width="64" height="64" fill="teal"/></svg>'
)

_PILLOW = {
    "image/jpeg": ("JPEG", {}),
    "image/png": ("PNG", {}),
    "image/webp": ("WEBP", {}),
    "image/avif": ("AVIF", {"speed": 10}),
    "image/tiff": ("TIFF", {}),
    "image/gif": ("GIF", {}),
    "application/pdf": ("PDF", {}),
}
_AUDIO = {
    "audio/mp4": ("ipod", "aac"),
    "audio/wav": ("wav", "pcm_s16le"),
    "audio/mpeg": ("mp3", "libmp3lame"),
    "audio/flac": ("flac", "flac"),
}


@cache
def picture() -> Image.Image:
    return Image.fromarray(np.asarray(data.astronaut(), np.uint8)[:128, 160:320])


@cache
def sample(media_type: str) -> bytes:
    """The bytes of a real file of this type."""
    if media_type in _PILLOW:
        kind, options = _PILLOW[media_type]
        return _saved(kind, **options)
    if media_type in ("image/heic", "image/heif"):
        buffer = io.BytesIO()
        pillow_heif.from_pillow(picture()).save(buffer)
        return buffer.getvalue()
    if media_type == "image/x-adobe-dng":
        tags = Image.Exif()
        tags[_DNG_VERSION] = bytes([1, 4, 0, 0])
        return _saved("TIFF", exif=tags)
    if media_type == "image/svg+xml":
        return _SVG
    if media_type in _AUDIO:
        return _tone(*_AUDIO[media_type])
    return _clip({"video/mp4": "mp4", "video/quicktime": "mov"}[media_type])


def with_remote_manifest(photo: bytes, url: str) -> bytes:
    """A JPEG whose XMP says that its manifest is at `url`."""
    xmp = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
        f'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()
    body = b"http://ns.adobe.com/xap/1.0/\x00" + xmp
    return photo[:2] + b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body + photo[2:]


def _saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture().save(buffer, kind, **options)
    return buffer.getvalue()


def _clip(container_format: str) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container_format) as container:
        stream = container.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 160, 128, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.asarray(picture()), format="rgb24")
        for _ in range(4):
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return buffer.getvalue()


def _tone(container_format: str, codec: str) -> bytes:
    buffer = io.BytesIO()
    wave = np.sin(np.arange(_RATE // 2) * 2 * np.pi * 440 / _RATE)
    samples = (wave * 8000).astype(np.int16)[None, :]
    with av.open(buffer, "w", format=container_format) as container:
        stream = container.add_stream(codec, rate=_RATE, layout="mono")
        resampler = av.AudioResampler(stream.format, "mono", _RATE, frame_size=1024)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
        frame.sample_rate = _RATE
        for piece in [*resampler.resample(frame), *resampler.resample(None)]:
            container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return buffer.getvalue()


def folder_of(base: Path, *media_types: str) -> list[Path]:
    """The samples written to files."""
    paths = []
    for media_type in media_types:
        path = base / media_type.replace("/", "-")
        path.write_bytes(sample(media_type))
        paths.append(path)
    return paths

"""What happens to pictures on the way: honest re-saving, and dishonest repackaging."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.encoding import encode_jpeg, encode_png

Pixels = NDArray[np.uint8]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_C2PA_CHUNK = b"caBX"  # C2PA 2.4 appendix A.3.2


@dataclass(frozen=True)
class Copy:
    """A laundered copy: its file name, what was done, and the bytes made from the pixels."""

    name: str
    what: str
    make: Callable[[Pixels], bytes]


def _resized(pixels: Pixels, scale: float) -> Pixels:
    size = round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _cropped(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    window = pixels[height // 7 : -height // 7, width // 7 : -width // 7]
    return np.ascontiguousarray(window)


def _screenshot(pixels: Pixels) -> Pixels:
    """Shown at four fifths of its size inside a window with a title bar."""
    shown = _resized(pixels, 0.8)
    height, width = shown.shape[:2]
    screen = np.full((height + 72, width + 32, 3), 236, np.uint8)
    screen[:40] = (58, 60, 66)
    screen[56 : 56 + height, 16 : 16 + width] = shown
    return screen


COPIES = (
    Copy("jpeg60.jpg", "saved as JPEG, quality 60", lambda pixels: encode_jpeg(pixels, 60)),
    Copy("half.jpg", "half the size, JPEG 80", lambda p: encode_jpeg(_resized(p, 0.5), 80)),
    Copy("cropped.jpg", "cropped to half the area", lambda p: encode_jpeg(_cropped(p), 85)),
    Copy("screenshot.png", "screenshot", lambda p: encode_png(_screenshot(p))),
    Copy("stripped.png", "metadata stripped, pixels kept", encode_png),
)


def tampered(png: bytes) -> bytes:
    """The same file with one pixel changed and every other chunk, the manifest too, kept."""
    body = b"".join(data for kind, data in chunks(png) if kind == b"IDAT")
    rows = bytearray(zlib.decompress(body))
    _, header = next(chunks(png))
    (height,) = struct.unpack_from(">I", header, 4)
    stride = len(rows) // height
    rows[stride * (height // 2) + stride // 2] ^= 0x40
    changed, written = [], False
    for kind, data in chunks(png):
        if kind != b"IDAT":
            changed.append((kind, data))
        elif not written:
            changed.append((kind, zlib.compress(bytes(rows))))
            written = True
    return assemble(changed)


def transplanted(donor: bytes, victim: bytes) -> bytes:
    """The picture of `victim` with the manifest of `donor`; both PNG."""
    manifest = next(data for kind, data in chunks(donor) if kind == _C2PA_CHUNK)
    header, *rest = [part for part in chunks(victim) if part[0] != _C2PA_CHUNK]
    return assemble([header, (_C2PA_CHUNK, manifest), *rest])


def chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of a PNG as (type, data)."""
    at = len(_SIGNATURE)
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        yield png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        at += 12 + length


def assemble(parts: list[tuple[bytes, bytes]]) -> bytes:
    """A PNG of these chunks, with checksums."""
    written = [_SIGNATURE]
    for kind, data in parts:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        written += [struct.pack(">I", len(data)), kind, data, checksum]
    return b"".join(written)

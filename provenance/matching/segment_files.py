"""Index segments as files: written once, checked when opened, mapped into memory.

Layout: a magic line, a JSON header of one line, then four arrays, each at a multiple of 64
bytes: ids (int64 N), codes (uint64 Nx4), bucket offsets (uint32 16x65537), order (uint32
16xN), all little-endian. The header has their CRC-32.
"""

from __future__ import annotations

import json
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import AssayError
from assay.files import atomic_path
from assay.provenance.matching.hamming import WORDS
from assay.provenance.matching.hash_index import Segment
from assay.provenance.matching.multi_index import BUCKETS, CHUNKS

_MAGIC = b"assay index segment 1\n"
_ALIGNMENT = 64
_HEADER_BYTES = 512
_CRC_STEP = 1 << 24  # bytes hashed at a time


class SegmentDamaged(AssayError):
    """An index file is missing, truncated, altered or of another registry."""

    code = "segment-damaged"


def write(path: Path, segment: Segment, *, kind: str, registry: bytes) -> None:
    """Write a segment; a reader sees all of it or nothing.

    Raises:
        OutputRefused: the folder cannot be written, or the disk is full.
    """
    arrays = (segment.ids, segment.codes, segment.offsets, segment.order)
    header = {
        "kind": kind,
        "registry": registry.hex(),
        "low": segment.low,
        "high": segment.high,
        "count": len(segment.ids),
        "crc32": [_crc(_bytes_of(array)) for array in arrays],
    }
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        line = _MAGIC + json.dumps(header).encode() + b"\n"
        file.write(line.ljust(_HEADER_BYTES))
        for array in arrays:
            file.write(_bytes_of(array))
            file.write(bytes(-array.nbytes % _ALIGNMENT))


def load(path: Path, *, kind: str, registry: bytes) -> Segment:
    """Map a segment into memory after checking every byte of it.

    Raises:
        SegmentDamaged: it is not what `write` left.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise SegmentDamaged(f"{path.name}: {error}") from error
    header = _header(mapped, path)
    if (header.get("kind"), header.get("registry")) != (kind, registry.hex()):
        raise SegmentDamaged(f"{path.name}: of another registry")
    arrays = []
    for array, expected in zip(_arrays(mapped, header, path), header["crc32"], strict=True):
        if _crc(_bytes_of(array)) != expected:
            raise SegmentDamaged(f"{path.name}: checksum does not fit")
        arrays.append(array)
    ids, codes, offsets, order = arrays
    return Segment(header["low"], header["high"], ids, codes, offsets, order, name=path.name)


def _header(mapped: mmap.mmap, path: Path) -> dict[str, Any]:
    start = mapped[:_HEADER_BYTES]
    if not start.startswith(_MAGIC):
        raise SegmentDamaged(f"{path.name}: not an index segment")
    try:
        header = json.loads(start[len(_MAGIC) :].split(b"\n")[0])
    except ValueError as error:
        raise SegmentDamaged(f"{path.name}: header does not parse") from error
    if not isinstance(header, dict) or not isinstance(header.get("count"), int):
        raise SegmentDamaged(f"{path.name}: header does not parse")
    return header


def _arrays(mapped: mmap.mmap, header: dict[str, Any], path: Path) -> Iterator[NDArray[Any]]:
    count = header["count"]
    at = _HEADER_BYTES
    for dtype, shape in (
        ("<i8", (count,)),
        ("<u8", (count, WORDS)),
        ("<u4", (CHUNKS, BUCKETS + 1)),
        ("<u4", (CHUNKS, count)),
    ):
        size = int(np.prod(shape)) * np.dtype(dtype).itemsize
        if at + size > len(mapped):
            raise SegmentDamaged(f"{path.name}: truncated")
        yield np.frombuffer(mapped, dtype, int(np.prod(shape)), at).reshape(shape)
        at += size + -size % _ALIGNMENT


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def _crc(data: memoryview) -> int:
    value = 0
    for start in range(0, len(data), _CRC_STEP):
        value = zlib.crc32(data[start : start + _CRC_STEP], value)
    return value

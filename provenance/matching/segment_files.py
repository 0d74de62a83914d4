"""Index segments as files: written once, checked, mapped into memory.

Layout: a magic line, a JSON header of one line, then four arrays, each at a multiple of 64
bytes: ids (int64 N), codes (uint64 Nx4), bucket offsets (uint32 16x65537), order (uint32
16xN), all little-endian. The header has their CRC-32.

Checking reads the file and not the mapping, so that memory holds only what searches use. Order
is more than half of a file, a search needs a small part of it, and damage there can only hide a
row: where it is large its check may come later.
"""

from __future__ import annotations

import math
import mmap
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, NonNegativeInt

from assay.errors import AssayError
from assay.files import atomic_path
from assay.provenance.matching.hamming import WORDS
from assay.provenance.matching.hash_index import Segment
from assay.provenance.matching.multi_index import BUCKETS, CHUNKS

_MAGIC = b"assay index segment 1\n"
_ALIGNMENT = 64
_HEADER_BYTES = 512
_CRC_STEP = 1 << 20  # bytes hashed at a time
ORDER_CHECKED_AT_ONCE = 1 << 26  # bytes; a twentieth of a second, where they are in memory


class SegmentDamaged(AssayError):
    """An index file is missing, truncated, altered or of another registry."""

    code = "segment-damaged"


def write(path: Path, segment: Segment, *, kind: str, registry: bytes) -> None:
    """Write a segment; a reader sees all of it or nothing.

    Raises:
        OutputRefused: the folder cannot be written, or the disk is full.
    """
    arrays = (segment.ids, segment.codes, segment.offsets, segment.order)
    ids, codes, offsets, order = (zlib.crc32(_bytes_of(array)) for array in arrays)
    header = _Header(
        kind=kind,
        registry=registry.hex(),
        low=segment.low,
        high=segment.high,
        count=len(segment.ids),
        crc32=(ids, codes, offsets, order),
    )
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        line = _MAGIC + header.model_dump_json().encode() + b"\n"
        file.write(line.ljust(_HEADER_BYTES))
        for array in arrays:
            file.write(_bytes_of(array))
            file.write(bytes(-array.nbytes % _ALIGNMENT))


def load(path: Path, *, kind: str, registry: bytes) -> Segment:
    """Map a segment into memory after checking it, but for the order of a large one.

    Raises:
        SegmentDamaged: it is not what `write` left.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            header = _header(mapped[:_HEADER_BYTES], path)
            if (header.kind, header.registry) != (kind, registry.hex()):
                raise SegmentDamaged(f"{path.name}: of another registry")
            parts = list(_parts(header.count))
            ids, codes, offsets, order = (_array(mapped, part, path) for part in parts)
            segment = Segment(header.low, header.high, ids, codes, offsets, order, name=path.name)
            _check(file, header, slice(None) if order_is_small(segment) else slice(0, -1))
    except (OSError, ValueError) as error:
        raise SegmentDamaged(f"{path.name}: {error}") from error
    if hasattr(mapped, "madvise"):  # not on Windows
        # A search looks into a bucket here and there; reading ahead would read all of it.
        mapped.madvise(mmap.MADV_RANDOM, parts[-1].start // mmap.PAGESIZE * mmap.PAGESIZE)
    return segment


def order_is_small(segment: Segment) -> bool:
    """Whether `load` checked the order, too."""
    return segment.order.nbytes <= ORDER_CHECKED_AT_ONCE


def check_order(path: Path) -> None:
    """Check what `load` leaves unchecked of a large segment.

    Raises:
        SegmentDamaged: it is not what `write` left.
        FileNotFoundError: the segment was replaced by another.
    """
    with path.open("rb") as file:
        _check(file, _header(file.read(_HEADER_BYTES), path), slice(-1, None))


class _Header(BaseModel):
    kind: str
    registry: str
    low: int
    high: int
    count: NonNegativeInt
    crc32: tuple[int, int, int, int]


class _Part(NamedTuple):
    """Where one of the four arrays lies."""

    dtype: str
    shape: tuple[int, ...]
    start: int

    @property
    def items(self) -> int:
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        return self.items * np.dtype(self.dtype).itemsize


def _parts(count: int) -> Iterator[_Part]:
    at = _HEADER_BYTES
    for dtype, shape in (
        ("<i8", (count,)),
        ("<u8", (count, WORDS)),
        ("<u4", (CHUNKS, BUCKETS + 1)),
        ("<u4", (CHUNKS, count)),
    ):
        part = _Part(dtype, shape, at)
        yield part
        at += part.size + -part.size % _ALIGNMENT


def _header(start: bytes, path: Path) -> _Header:
    if not start.startswith(_MAGIC):
        raise SegmentDamaged(f"{path.name}: not an index segment")
    try:
        return _Header.model_validate_json(start[len(_MAGIC) :].split(b"\n")[0])
    except ValueError as error:
        raise SegmentDamaged(f"{path.name}: header does not parse") from error


def _array(mapped: mmap.mmap, part: _Part, path: Path) -> NDArray[Any]:
    if part.start + part.size > len(mapped):
        raise SegmentDamaged(f"{path.name}: truncated")
    return np.frombuffer(mapped, part.dtype, part.items, part.start).reshape(part.shape)


def _check(file: BinaryIO, header: _Header, chosen: slice) -> None:
    """Compare the checksums of some of the arrays."""
    expected = list(zip(_parts(header.count), header.crc32, strict=True))
    for part, crc32 in expected[chosen]:
        file.seek(part.start)
        if _crc_of_next(file, part.size) != crc32:
            raise SegmentDamaged(f"{Path(file.name).name}: checksum does not fit")


def _crc_of_next(file: BinaryIO, size: int) -> int:
    value = 0
    while size > 0 and (data := file.read(min(size, _CRC_STEP))):
        value = zlib.crc32(data, value)
        size -= len(data)
    return value


def _bytes_of(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data

"""Exact Hamming search over 256-bit codes by multi-index hashing.

Norouzi, Punjani & Fleet, "Fast exact search in Hamming space with multi-index hashing",
TPAMI 2014. A code is cut into sixteen 16-bit chunks. Two codes within 31 bits agree in at
least one chunk up to a single bit, so 16 x 17 bucket lookups find every one of them. Codes
farther away that happen to share a chunk are found as well: recall is exact up to
`EXACT_RADIUS` and falls off gently beyond.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.compiled import compiled
from assay.provenance.matching.hamming import popcount

CHUNKS = 16
CHUNK_BITS = 16
BUCKETS = 1 << CHUNK_BITS
EXACT_RADIUS = 2 * CHUNKS - 1
_FIRST_CAPACITY = 4096
# Local descriptors crowd into a few buckets, whose texture says little about a picture. Without
# buckets of 20 times the mean, 1,400 works take a quarter of the time and none is lost in 800
# searches; at 10 times the mean two are.
CROWDED = 20  # times the mean bucket
FEWEST_CROWDED = 32  # codes; a bucket of fewer is always looked into

_MASK = np.uint64(BUCKETS - 1)


class Rows(NamedTuple):
    """What a search found, in no particular order: equally long arrays."""

    query: NDArray[np.int64]
    row: NDArray[np.int64]
    distance: NDArray[np.int64]


def build(codes: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Bucket the rows of Nx4 codes.

    Returns:
        Bucket offsets, uint32 16x65537, and row numbers in bucket order, uint32 16xN.
    """
    return _build(codes)


def search(
    codes: NDArray[np.uint64],
    offsets: NDArray[np.uint32],
    order: NDArray[np.uint32],
    queries: NDArray[np.uint64],
    radius: int,
    *,
    exact: bool = True,
) -> Rows:
    """All rows within `radius` of each query that share a chunk with it.

    Args:
        queries: uint64 Qx4.
        exact: also look into the buckets one bit away, and into crowded ones. Without, less is
            found in a small part of the time, and a row may be found several times.
    """
    crowded = len(codes) if exact else max(FEWEST_CROWDED, CROWDED * len(codes) // BUCKETS)
    capacity = _FIRST_CAPACITY
    while True:
        found = np.empty((3, capacity), np.int64)
        count = _search(codes, offsets, order, queries, radius, exact, crowded, found)
        if count <= capacity:
            return Rows(*found[:, :count])
        capacity = count


def scan(codes: NDArray[np.uint64], queries: NDArray[np.uint64], radius: int) -> Rows:
    """All rows within `radius` of each query, by looking at every row."""
    capacity = _FIRST_CAPACITY
    while True:
        found = np.empty((3, capacity), np.int64)
        count = _scan(codes, queries, radius, found)
        if count <= capacity:
            return Rows(*found[:, :count])
        capacity = count


@compiled
def _chunk(code: NDArray[np.uint64], chunk: int) -> np.int64:
    return np.int64((code[chunk >> 2] >> np.uint64((chunk & 3) * CHUNK_BITS)) & _MASK)


@compiled
def _differing(first: NDArray[np.uint64], second: NDArray[np.uint64]) -> np.int64:
    return (
        popcount(first[0] ^ second[0])
        + popcount(first[1] ^ second[1])
        + popcount(first[2] ^ second[2])
        + popcount(first[3] ^ second[3])
    )


@compiled
def _build(codes: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    rows = len(codes)
    offsets = np.zeros((CHUNKS, BUCKETS + 1), np.uint32)
    order = np.empty((CHUNKS, rows), np.uint32)
    following = np.empty(BUCKETS, np.int64)
    for chunk in range(CHUNKS):
        for row in range(rows):
            offsets[chunk, _chunk(codes[row], chunk) + 1] += np.uint32(1)
        for bucket in range(BUCKETS):
            following[bucket] = offsets[chunk, bucket]
            offsets[chunk, bucket + 1] += offsets[chunk, bucket]
        for row in range(rows):
            value = _chunk(codes[row], chunk)
            order[chunk, following[value]] = row
            following[value] += 1
    return offsets, order


@compiled
def _search(
    codes: NDArray[np.uint64],
    offsets: NDArray[np.uint32],
    order: NDArray[np.uint32],
    queries: NDArray[np.uint64],
    radius: int,
    exact: bool,
    crowded: int,
    found: NDArray[np.int64],
) -> int:
    count = 0
    variants = 1 + CHUNK_BITS if exact else 1
    for query in range(len(queries)):
        code = queries[query]
        for chunk in range(CHUNKS):
            bucket = _chunk(code, chunk)
            for variant in range(variants):
                # Variant v > 0 flips bit v - 1 of the chunk; its predecessor's flip is undone.
                bucket ^= np.int64((1 << variant >> 1) ^ (1 << variant >> 2))
                first, end = offsets[chunk, bucket], offsets[chunk, bucket + 1]
                if end - first > crowded:
                    continue
                for place in range(first, end):
                    row = order[chunk, place]
                    if row >= len(codes):  # order may be damaged and not yet checked
                        continue
                    distance = _differing(codes[row], code)
                    if distance > radius or (exact and _seen_before(codes[row], code, chunk)):
                        continue
                    if count < found.shape[1]:
                        found[0, count] = query
                        found[1, count] = row
                        found[2, count] = distance
                    count += 1
    return count


@compiled
def _seen_before(row: NDArray[np.uint64], query: NDArray[np.uint64], chunk: int) -> bool:
    """Whether an earlier chunk already led from the query to this row."""
    for earlier in range(chunk):
        if popcount(np.uint64(_chunk(row, earlier) ^ _chunk(query, earlier))) <= 1:
            return True
    return False


@compiled
def _scan(
    codes: NDArray[np.uint64],
    queries: NDArray[np.uint64],
    radius: int,
    found: NDArray[np.int64],
) -> int:
    count = 0
    for row in range(len(codes)):
        for query in range(len(queries)):
            distance = _differing(codes[row], queries[query])
            if distance <= radius:
                if count < found.shape[1]:
                    found[0, count] = query
                    found[1, count] = row
                    found[2, count] = distance
                count += 1
    return count

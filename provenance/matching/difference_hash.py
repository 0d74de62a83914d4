"""A second 256-bit hash that a forger cannot see: keyed difference hash (frozen as `_v0`).

Each bit compares two neighbouring cells of a small luma grid, as `imagehash.dhash` does; which
neighbours is drawn from a key that never leaves the registry. A white-box attack that moves
PDQ past its threshold, or onto another work's hash, leaves these bits where they were
(measured in docs/explanation/matching.md).
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.normalising import resize_v0
from assay.provenance.matching.pdq import ORIENTATIONS, UPRIGHT

BITS = 256
GRID = 17  # cells a side: 16 horizontal differences a row, as imagehash with hash_size 16
KEY_BYTES = 32


def difference_grid(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """The 17x17 grid of average luma that every orientation's hash is read from."""
    return resize_v0(luma, GRID, GRID)


def keyed_bits_v0(
    grid: NDArray[np.float32], key: bytes, orientation: str = UPRIGHT, *, inverted: bool = False
) -> bytes:
    """The 32 bytes of the keyed hash of a grid seen in an orientation."""
    mirrored, quarter_turns = ORIENTATIONS[orientation]
    seen = np.rot90(grid[:, ::-1] if mirrored else grid, quarter_turns)
    return difference_bits(255.0 - seen if inverted else seen, keyed_pairs(key))


def difference_bits(grid: NDArray[np.floating], pairs: NDArray[np.intp]) -> bytes:
    """One bit a pair: whether the second cell is brighter than the first.

    Args:
        grid: cells, any shape.
        pairs: 256x2 indices into the flattened grid.
    """
    cells = np.ascontiguousarray(grid).ravel()
    return np.packbits(cells[pairs[:, 1]] > cells[pairs[:, 0]]).tobytes()


def horizontal_pairs(rows: int = 16, columns: int = 17) -> NDArray[np.intp]:
    """The public layout of `imagehash.dhash`: each cell with its right neighbour."""
    cells = np.arange(rows * columns).reshape(rows, columns)
    return np.stack([cells[:, :-1].ravel(), cells[:, 1:].ravel()], axis=1)


@lru_cache(maxsize=16)
def keyed_pairs(key: bytes) -> NDArray[np.intp]:
    """256 of the 1,056 neighbour pairs, half of them turned around, as the key says."""
    cells = np.arange(GRID * GRID).reshape(GRID, GRID)
    candidates = np.concatenate(
        [
            np.stack([cells[:, :-1].ravel(), cells[:, 1:].ravel()], axis=1),
            np.stack([cells[:-1].ravel(), cells[1:].ravel()], axis=1),
            np.stack([cells[:-1, :-1].ravel(), cells[1:, 1:].ravel()], axis=1),
            np.stack([cells[:-1, 1:].ravel(), cells[1:, :-1].ravel()], axis=1),
        ]
    )
    # Sorting by a keyed digest is a permutation that no library version can change.
    order = sorted(
        range(len(candidates)),
        key=lambda i: hashlib.blake2b(i.to_bytes(4, "big"), key=key, digest_size=16).digest(),
    )
    pairs = candidates[order[:BITS]]
    turned = np.frombuffer(hashlib.blake2b(b"turn", key=key, digest_size=32).digest(), np.uint8)
    around = np.unpackbits(turned).astype(bool)
    pairs[around] = pairs[around][:, ::-1]
    return pairs

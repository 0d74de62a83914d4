"""Merkle tree hashing and proofs of RFC 6962, section 2.1.

Nodes are 32-byte SHA-256 values. Functions that build proofs ask a `Subtree` for the hash
of a complete, aligned subtree, so that storage can be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256

Subtree = Callable[[int, int], bytes]
"""`subtree(level, index)`: hash of leaves `index << level` to `((index + 1) << level) - 1`."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash of a log entry."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


def root_hash(size: int, subtree: Subtree) -> bytes:
    """Hash of a tree of `size` leaves."""
    if size == 0:
        return sha256(b"").digest()
    return _range_hash(0, size, subtree)


def inclusion_proof(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Audit path of leaf `index` in a tree of `size` leaves (2.1.1).

    Raises:
        ValueError: there is no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return _path(index, 0, size, subtree)


def consistency_proof(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Proof that a tree of `new` leaves extends one of `old` leaves (2.1.2).

    Raises:
        ValueError: `old` is larger than `new`, or zero.
    """
    if not 0 < old <= new:
        raise ValueError(f"no proof from {old} to {new} leaves")
    return _subproof(old, 0, new, True, subtree)


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that a proof leads to (RFC 9162, 2.1.3.2); None when its length is wrong."""
    if not 0 <= index < size:
        return None
    node, position, last = leaf, index, size - 1
    for sibling in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        position >>= 1
        last >>= 1
    return node if last == 0 else None


def is_consistent(
    old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether a proof shows that the new tree extends the old one (RFC 9162, 2.1.4.2)."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new or not proof:
        return False
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(start: int, end: int, subtree: Subtree) -> bytes:
    size = end - start
    if size & (size - 1) == 0 and start % size == 0:
        level = size.bit_length() - 1
        return subtree(level, start >> level)
    middle = start + _split(size)
    return node_hash(_range_hash(start, middle, subtree), _range_hash(middle, end, subtree))


def _path(index: int, start: int, end: int, subtree: Subtree) -> list[bytes]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, subtree), _range_hash(middle, end, subtree)]
    return [*_path(index, middle, end, subtree), _range_hash(start, middle, subtree)]


def _subproof(old: int, start: int, end: int, whole: bool, subtree: Subtree) -> list[bytes]:
    if old == end:
        return [] if whole else [_range_hash(start, end, subtree)]
    middle = start + _split(end - start)
    if old <= middle:
        inner = _subproof(old, start, middle, whole, subtree)
        return [*inner, _range_hash(middle, end, subtree)]
    inner = _subproof(old, middle, end, False, subtree)
    return [*inner, _range_hash(start, middle, subtree)]

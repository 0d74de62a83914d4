"""A Merkle tree kept as C2SP tlog-tiles: files of up to 256 hashes, and entry bundles.

See https://c2sp.org/tlog-tiles.
"""

from __future__ import annotations

from assay.errors import OutputRefused
from assay.provenance.log_storage import LogStorage
from assay.provenance.merkle import leaf_hash, node_hash

TILE_HEIGHT = 8
TILE_WIDTH = 1 << TILE_HEIGHT
HASH_BYTES = 32
MAX_ENTRY_BYTES = 0xFFFF


class Tiles:
    """Tiles below `tile/`. Not locked: `transparency.Log` does that."""

    def __init__(self, storage: LogStorage) -> None:
        self._storage = storage

    def append(self, entry: bytes, size: int) -> None:
        """Store the entry that becomes leaf number `size`."""
        if len(entry) > MAX_ENTRY_BYTES:
            raise OutputRefused(f"log entry of {len(entry)} bytes, the format allows 65,535")
        bundle = self._read("entries", size // TILE_WIDTH, size % TILE_WIDTH)
        framed = len(entry).to_bytes(2, "big") + entry
        self._write("entries", size // TILE_WIDTH, size % TILE_WIDTH + 1, bundle + framed)
        node, level, index = leaf_hash(entry), 0, size
        while True:
            number, width = index // TILE_WIDTH, index % TILE_WIDTH
            row = self._read(str(level), number, width) + node
            self._write(str(level), number, width + 1, row)
            if width + 1 < TILE_WIDTH:
                return
            node, level, index = _reduce(row), level + 1, number

    def entries(self, number: int, width: int) -> list[bytes]:
        """Entries of a bundle that holds `width` of them."""
        data, found = self._read("entries", number, width), []
        while data:
            length = int.from_bytes(data[:2], "big")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
        return found

    def subtree(self, size: int, level: int, index: int) -> bytes:
        """Hash of a complete subtree, in a tree of `size` leaves; see `merkle.Subtree`."""
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        number = first // TILE_WIDTH
        at_level = size >> (TILE_HEIGHT * tile_level)
        width = min(TILE_WIDTH, at_level - number * TILE_WIDTH)
        start = first % TILE_WIDTH
        row = self._read(str(tile_level), number, width)
        return _reduce(row[start * HASH_BYTES : (start + (1 << height)) * HASH_BYTES])

    def _read(self, level: str, number: int, width: int) -> bytes:
        if width == 0:
            return b""
        path = _path(level, number, width)
        data = self._storage.read(path)
        if data is None:
            raise OutputRefused(f"the log lacks {path}", advice="restore it from a backup")
        return data

    def _write(self, level: str, number: int, width: int, data: bytes) -> None:
        self._storage.write(_path(level, number, width), data)
        if width == TILE_WIDTH:
            self._storage.remove(_path(level, number, width) + ".p")


def _path(level: str, number: int, width: int) -> str:
    partial = f".p/{width}" if width < TILE_WIDTH else ""
    return f"tile/{level}/{_encode(number)}{partial}"


def _encode(number: int) -> str:
    """1234067 -> x001/x234/067."""
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[i : i + 3] for i in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + [groups[-1]])


def _reduce(row: bytes) -> bytes:
    """Root of a row whose length is a power of two."""
    nodes = [row[i : i + HASH_BYTES] for i in range(0, len(row), HASH_BYTES)]
    while len(nodes) > 1:
        nodes = [node_hash(*nodes[i : i + 2]) for i in range(0, len(nodes), 2)]
    return nodes[0]

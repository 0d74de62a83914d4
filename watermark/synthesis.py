"""From amplitudes to pixels: tiles of the pattern, blended over the picture."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.watermark.amplitude_field import NODES
from assay.watermark.carrier import TILE, Carrier
from assay.watermark.comb_transform import tiles_of
from assay.watermark.compilation import compiled
from assay.watermark.enlarging import enlarge_row
from assay.watermark.perception import LAYERS
from assay.watermark.whitening import ORIENTATIONS, orientation_shares


def line_shares(lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """How each comb line divides over the orientations, shape (ORIENTATIONS, n)."""
    x, y = lines.T.astype(float)
    return np.asarray(orientation_shares(x, y), np.float64)


def build_tiles(carrier: Carrier, values: NDArray[np.complex128]) -> NDArray[np.float32]:
    """One tile of the pattern per orientation, layer and node.

    Args:
        values: complex128, shape (layers * nodes, lines); complex amplitudes of the message lines,
            then of the pilots.

    Returns:
        float32, shape (ORIENTATIONS, layers, NODES, NODES, TILE, TILE).
    """
    shared = line_shares(carrier.lines)[:, None, :] * values[None]
    tiles = tiles_of(shared.reshape(-1, values.shape[1]).astype(np.complex64), carrier.lines)
    return tiles.reshape(ORIENTATIONS, -1, NODES, NODES, TILE, TILE)


@compiled
def blend(
    tiles: NDArray[np.float32],
    strength: NDArray[np.float32],
    layers: NDArray[np.float32],
    height: int,
    width: int,
) -> NDArray[np.float32]:
    """The pattern over a plane, shape (height, width), in grey levels.

    Tiles repeat about the centre of the plane and are interpolated between the nodes;
    `strength` (ORIENTATIONS, ...) and `layers` (LAYERS, ...) are maps of half the size.
    """
    nodes, tile = tiles.shape[2], tiles.shape[4]
    result = np.zeros((height, width), np.float32)
    strong = np.empty(width, np.float32)
    flat, textured = np.empty(width, np.float32), np.empty(width, np.float32)
    row = np.empty((nodes, tile), np.float32)
    wave = np.empty((LAYERS, width), np.float32)
    across = np.float32((nodes - 1) / (width - 1))
    runs = column_runs(width, nodes, tile)
    for y in range(height):
        at = y * (nodes - 1) / (height - 1)
        upper = min(int(at), nodes - 2)
        lean = np.float32(at - upper)
        ty = (y - height // 2) % tile
        target = result[y]
        enlarge_row(layers[0], y, flat)
        enlarge_row(layers[1], y, textured)
        for band in range(ORIENTATIONS):
            enlarge_row(strength[band], y, strong)
            for layer in range(LAYERS):
                above, below = tiles[band, layer, upper], tiles[band, layer, upper + 1]
                for node in range(nodes):
                    for tx in range(tile):
                        rise = below[node, ty, tx] - above[node, ty, tx]
                        row[node, tx] = above[node, ty, tx] + lean * rise
                for start, stop, node, tx in runs:
                    left, right = row[node, tx:], row[node + 1, tx:]
                    spread = wave[layer, start:stop]
                    offset = np.float32(start) * across - np.float32(node)
                    for k in range(stop - start):
                        part = offset + np.float32(k) * across
                        spread[k] = left[k] + part * (right[k] - left[k])
            first, second = wave[0], wave[1]
            for x in range(width):
                target[x] += strong[x] * (first[x] * flat[x] + second[x] * textured[x])
    return result


@compiled
def column_runs(width: int, nodes: int, tile: int) -> NDArray[np.int64]:
    """Runs of columns within one tile and between two nodes.

    Rows of (first column, last column + 1, left node, first column within the tile); the tile
    repeats about the centre of the width. Straight loops over runs use vector instructions.
    """
    runs = np.empty((width // tile + nodes + 3, 4), np.int64)
    count = start = 0
    while start < width:
        tx = (start - width // 2) % tile
        node = min(start * (nodes - 1) // (width - 1), nodes - 2)
        stop = min(width, start + tile - tx)
        if node < nodes - 2:
            stop = min(stop, -(-(node + 1) * (width - 1) // (nodes - 1)))
        runs[count] = start, stop, node, tx
        count += 1
        start = stop
    return runs[:count]

"""From amplitudes to pixels: tiles of the pattern, blended over the picture."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from assay.watermark.amplitude_field import NODES
from assay.watermark.carrier import TILE, Carrier
from assay.watermark.compilation import compiled
from assay.watermark.whitening import ORIENTATIONS, orientation_shares


def line_shares(lines: NDArray[np.int64]) -> NDArray[np.float64]:
    """How each comb line divides over the orientations, shape (ORIENTATIONS, n)."""
    return orientation_shares(np.arctan2(lines[:, 1].astype(float), lines[:, 0].astype(float)))


@lru_cache(maxsize=8)
def waves(carrier: Carrier) -> NDArray[np.float32]:
    """Cosines, then negative sines, of all lines over a tile, shape (2 * lines, TILE ** 2)."""
    lines = carrier.lines
    y, x = np.divmod(np.arange(TILE * TILE), TILE)
    turns = np.outer(lines[:, 0], x) + np.outer(lines[:, 1], y)
    angle = 2 * np.pi / TILE * (turns % TILE)
    return np.concatenate([np.cos(angle), -np.sin(angle)]).astype(np.float32)


def build_tiles(carrier: Carrier, values: NDArray[np.complex128]) -> NDArray[np.float32]:
    """One tile of the pattern per orientation, layer and node.

    Parameters
    ----------
    values : ndarray of complex128, shape (layers * nodes, lines)
        Complex amplitudes of the message lines, then of the pilots.

    Returns
    -------
    ndarray of float32, shape (ORIENTATIONS, layers, NODES, NODES, TILE, TILE)
    """
    shared = (line_shares(carrier.lines)[:, None, :] * values[None]).reshape(-1, values.shape[1])
    parts = np.concatenate([shared.real, shared.imag], axis=1).astype(np.float32)
    tiles = parts @ waves(carrier)
    return np.asarray(tiles.reshape(ORIENTATIONS, -1, NODES, NODES, TILE, TILE), np.float32)


@compiled
def blend(
    tiles: NDArray[np.float32], strength: NDArray[np.float32], layers: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The pattern over a plane, shape (h, w), in grey levels.

    Tiles repeat about the centre of the plane and are interpolated between the nodes;
    `strength` has shape (ORIENTATIONS, h, w), `layers` has (layers, h, w).
    """
    bands, height, width = strength.shape
    nodes, tile = tiles.shape[2], tiles.shape[4]
    result = np.zeros((height, width), np.float32)
    row = np.empty((nodes, tile), np.float32)
    across = np.float32((nodes - 1) / (width - 1))
    runs = column_runs(width, nodes, tile)
    for y in range(height):
        at = y * (nodes - 1) / (height - 1)
        upper = min(int(at), nodes - 2)
        lean = np.float32(at - upper)
        ty = (y - height // 2) % tile
        for band in range(bands):
            for layer in range(len(layers)):
                above, below = tiles[band, layer, upper], tiles[band, layer, upper + 1]
                row[:] = above[:, ty] + lean * (below[:, ty] - above[:, ty])
                for start, stop, node, tx in runs:
                    left, right = row[node, tx:], row[node + 1, tx:]
                    target = result[y, start:stop]
                    strong = strength[band, y, start:stop]
                    share = layers[layer, y, start:stop]
                    offset = np.float32(start) * across - np.float32(node)
                    for k in range(stop - start):
                        part = offset + np.float32(k) * across
                        value = left[k] + part * (right[k] - left[k])
                        target[k] += value * strong[k] * share[k]
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

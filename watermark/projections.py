"""What a whitened plane says about every comb line, around every node of the amplitude field.

The embedder's view of the carrier. A value is one real projection of one line, multiplied by
the sign it should have: the cosines and then the sines of the message lines, then the pilots
along their phasors, VALUES in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.watermark.amplitude_field import NODES
from assay.watermark.carrier import PILOT_AMPLITUDE, PILOTS, SYMBOLS, TILE, Carrier
from assay.watermark.comb_transform import lines_of
from assay.watermark.compilation import compiled
from assay.watermark.enlarging import enlarge_row
from assay.watermark.synthesis import build_tiles, column_runs, line_shares
from assay.watermark.whitening import VIEWS, radial_response, view_weights

VALUES = SYMBOLS + PILOTS

#: Message values and pilots: levelled separately, so that neither takes the other's energy.
GROUPS = (slice(0, SYMBOLS), slice(SYMBOLS, VALUES))

_HALF = SYMBOLS // 2

#: Mean square of the pattern at unit amplitudes.
_MEAN_POWER = (_HALF + PILOTS * PILOT_AMPLITUDE**2) / 2


@dataclass(frozen=True, eq=False)
class Pattern:
    """A carrier with the symbols it is to carry, shape (SYMBOLS,)."""

    carrier: Carrier
    symbols: NDArray[np.float32]

    def tiles(self, amplitude: NDArray[np.float32]) -> NDArray[np.float32]:
        """Tiles of the pattern at amplitudes (nodes, VALUES); RMS 1 at unit amplitudes."""
        signed = amplitude[:, :SYMBOLS] * self.symbols
        message = (signed[:, :_HALF] + 1j * signed[:, _HALF:]) / np.sqrt(2)
        pilots = amplitude[:, SYMBOLS:] * self.carrier.pilot_phasors * PILOT_AMPLITUDE
        values = np.concatenate([message, pilots], axis=1) / np.sqrt(_MEAN_POWER)
        return build_tiles(self.carrier, values)

    def project(
        self, views: NDArray[np.float32], layers: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Projections of whitened views (VIEWS, h, w) around each node of each layer.

        `layers` (n, h / 2, w / 2) are shares that add up to one. Shape (VIEWS, n * nodes,
        VALUES).
        """
        rows, columns = hats(views.shape[1]), hats(views.shape[2])
        folds = [_fold_nodes(view, layer, rows, columns) for view in views for layer in layers]
        lines = len(self.carrier.lines)
        seen = lines_of(np.concatenate(folds), self.carrier.lines).reshape(VIEWS, -1, lines)
        message = np.concatenate([seen[..., :_HALF].real, seen[..., :_HALF].imag], axis=2)
        pilots = (seen[..., _HALF:] * self.carrier.pilot_phasors.conj()).real
        projections = np.concatenate([message * self.symbols, pilots], axis=2)
        return np.asarray(projections, np.float32)

    def gains(
        self,
        deviations: NDArray[np.float32],
        strength: NDArray[np.float32],
        layers: NDArray[np.float32],
    ) -> NDArray[np.float32]:
        """Predicted change of each projection per unit amplitude, shape as `project`.

        The whitener is taken as linear at the host's deviations, and lines as pure waves. All
        maps have half the size of the plane.
        """
        deviations, strength, layers = (_reduced(m) for m in (deviations, strength, layers))
        rows, columns = hats(deviations.shape[1]), hats(deviations.shape[2])
        weights = [view_weights(deviations, view) for view in range(VIEWS)]
        table = np.array(
            [
                [[(rows @ (w[:, None] * strength * layer) @ columns.T)] for layer in layers]
                for w in weights
            ]
        ).reshape(VIEWS, len(layers), len(deviations) ** 2, NODES * NODES)
        shares = line_shares(self.carrier.lines)
        radius = np.hypot(self.carrier.lines[:, 0], self.carrier.lines[:, 1])
        response = radial_response(radius / TILE)
        pairs = ((shares * response)[:, None] * shares).reshape(-1, len(radius))
        gain = np.swapaxes(table, 2, 3) @ pairs * (REDUCTION**2 / 2)
        gain = gain.reshape(VIEWS, -1, len(radius))
        message = gain[..., :_HALF] / np.sqrt(2)
        pilots = gain[..., _HALF:] * PILOT_AMPLITUDE
        gains = np.concatenate([message, message, pilots], axis=2) / np.sqrt(_MEAN_POWER)
        return np.asarray(gains, np.float32)


#: Gains are predicted from maps of a quarter of the size.
REDUCTION = 4


def _reduced(maps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Maps (n, h, w) averaged over squares of 2 x 2; an odd last row or column is left out."""
    height, width = (side // 2 for side in maps.shape[1:])
    whole = maps[:, : 2 * height, : 2 * width]
    area = cv2.INTER_AREA
    return np.stack([cv2.resize(one, (width, height), interpolation=area) for one in whole])


def hats(length: int) -> NDArray[np.float32]:
    """Hat function of each node along a side of `length` pixels, shape (NODES, length)."""
    at = np.arange(length) * (NODES - 1) / (length - 1)
    distance = np.abs(at[None] - np.arange(NODES)[:, None])
    return np.asarray(np.maximum(0, 1 - distance), np.float32)


@compiled
def _fold_nodes(
    plane: NDArray[np.float32],
    layer: NDArray[np.float32],
    rows: NDArray[np.float32],
    columns: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Plane times layer, a map of half the size, times each node's hats, folded.

    Shape (nodes * nodes, TILE, TILE).
    """
    height, width = plane.shape
    nodes = len(rows)
    result = np.zeros((nodes * nodes, TILE, TILE), np.float32)
    along = np.empty((nodes, TILE), np.float32)
    share = np.empty(width, np.float32)
    runs = column_runs(width, nodes, TILE)
    for y in range(height):
        along[:] = 0
        enlarge_row(layer, y, share)
        for start, stop, node, tx in runs:
            values, shares = plane[y, start:stop], share[start:stop]
            left, right = columns[node, start:stop], columns[node + 1, start:stop]
            near, far = along[node, tx:], along[node + 1, tx:]
            for k in range(stop - start):
                value = values[k] * shares[k]
                near[k] += value * left[k]
                far[k] += value * right[k]
        ty = (y - height // 2) % TILE
        upper = min(y * (nodes - 1) // (height - 1), nodes - 2)
        for row in (upper, upper + 1):
            for node in range(nodes):
                for tx in range(TILE):
                    result[row * nodes + node, ty, tx] += rows[row, y] * along[node, tx]
    return result

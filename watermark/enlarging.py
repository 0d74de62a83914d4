"""Maps of half size, enlarged row by row where they are used.

Planes of full size would be read once and thrown away; fresh memory for them costs more than
the interpolation.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from assay.watermark.compilation import compiled


@compiled
def enlarge_row(half: NDArray[np.float32], y: int, row: NDArray[np.float32]) -> None:
    """Row `y` of a map (h / 2, w / 2), rounded up, interpolated linearly into `row`, (w,)."""
    rows, columns = half.shape
    width = len(row)
    near = half[y // 2]
    other = half[min(max(y // 2 + (y % 2) * 2 - 1, 0), rows - 1)]
    most, some, least = np.float32(9 / 16), np.float32(3 / 16), np.float32(1 / 16)
    row[0] = np.float32(0.75) * near[0] + np.float32(0.25) * other[0]
    for x in range((width - 1) // 2):
        row[2 * x + 1] = most * near[x] + some * (near[x + 1] + other[x]) + least * other[x + 1]
        row[2 * x + 2] = most * near[x + 1] + some * (near[x] + other[x + 1]) + least * other[x]
    if width % 2 == 0:
        row[-1] = np.float32(0.75) * near[columns - 1] + np.float32(0.25) * other[columns - 1]

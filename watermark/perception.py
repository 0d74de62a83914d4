"""How strong the mark may be at each place before an eye notices it.

Masking is selective for orientation (Foley, 1994): stripes hide a pattern along the stripes and
show one across them. The allowed strength is therefore a map per orientation, each a power of
the activity of the picture in that sub-band. Flat places, skies and skin have none and get the
floor; dense texture gets up to the ceiling. Activity is eroded first, so that the flat side of
an edge is treated as flat.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.watermark.images import CanonicalPlanes
from assay.watermark.whitening import FLOOR, texture_share

#: RMS of the mark, in grey levels, where the picture is flat. Rounding to whole levels adds to
#: it: 50 dB in all. At twice this a smooth sky shows the pattern at 2x zoom.
FLAT_STRENGTH = 0.65

#: RMS ceiling in dense texture; 8 was not more robust.
STRONGEST = 6.0

#: Strength grows with activity to this power; masking slopes lie between 0.5 and 1 (Legge and
#: Foley, 1980).
MASKING_EXPONENT = 0.74

#: Side of the minimum filter against haloes beside edges, in pixels of half canonical size.
EROSION = 3

#: Standard deviation of the smoothing that follows, in the same pixels.
SMOOTHING = 5 / 6

#: RMS ceiling over the whole picture: 40.2 dB, reached only by pages full of text and by dense
#: texture everywhere.
STRONGEST_OVERALL = 2.5

#: Grey levels from black or white within which half of the mark is clipped away.
HEADROOM = 3.0

#: Layers of a picture whose amplitudes are chosen apart: flat and textured places.
LAYERS = 2


def strength_maps(planes: CanonicalPlanes, deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Allowed RMS of the mark per orientation, in grey levels.

    Args:
        planes: the picture at canonical size.
        deviations: float32, shape (ORIENTATIONS, h / 2, w / 2); local standard deviations of the
            host's sub-bands at half size, from `whiten`.

    Returns:
        float32, shape of `deviations`.
    """
    kernel = np.ones((EROSION, EROSION), np.uint8)
    maps = np.empty_like(deviations)
    for band, deviation in enumerate(deviations):
        activity = cv2.GaussianBlur(cv2.erode(deviation, kernel), (0, 0), SMOOTHING)
        maps[band] = FLAT_STRENGTH * (1 + activity / np.float32(FLOOR)) ** MASKING_EXPONENT
    maps = np.minimum(maps, np.float32(STRONGEST))
    clipped = np.where(planes.headroom < HEADROOM, np.uint8(200), np.uint8(0))
    size = (maps.shape[2], maps.shape[1])
    share = cv2.resize(clipped, size, interpolation=cv2.INTER_AREA) / np.float32(200)
    power = (maps**2).mean(axis=0) * (1 - share / 2)
    overall = float(np.sqrt(power.mean()))
    return maps * np.float32(min(1.0, STRONGEST_OVERALL / overall))


def texture_layers(deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of flat and of textured places, shape (LAYERS, ...); they add up to one.

    The amplitudes of both layers are chosen independently, because compression removes the mark
    from one of them only.
    """
    share = texture_share(np.sqrt((deviations**2).mean(axis=0)))
    return np.stack([1 - share, share])

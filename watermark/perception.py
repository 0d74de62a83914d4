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

#: Side of the minimum filter against haloes beside edges, in canonical pixels.
EROSION = 5

#: RMS ceiling over the whole picture: 40.2 dB, reached only by pages full of text and by dense
#: texture everywhere.
STRONGEST_OVERALL = 2.5

#: Grey levels from black or white within which half of the mark is clipped away.
HEADROOM = 3.0


def strength_maps(planes: CanonicalPlanes, deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Allowed RMS of the mark per orientation, in grey levels.

    Parameters
    ----------
    planes : CanonicalPlanes
    deviations : ndarray of float32, shape (ORIENTATIONS, h, w)
        Local standard deviations of the host's sub-bands, from `whiten`.

    Returns
    -------
    ndarray of float32, shape (ORIENTATIONS, h, w)
    """
    kernel = np.ones((EROSION, EROSION), np.uint8)
    maps = np.empty_like(deviations)
    for band, deviation in enumerate(deviations):
        activity = cv2.GaussianBlur(cv2.erode(deviation, kernel), (0, 0), EROSION / 3)
        maps[band] = FLAT_STRENGTH * (1 + activity / np.float32(FLOOR)) ** MASKING_EXPONENT
    maps = np.minimum(maps, np.float32(STRONGEST))
    clipped = (planes.high > 255 - HEADROOM) | (planes.low < HEADROOM)
    power = (maps**2).mean(axis=0) * np.where(clipped, np.float32(0.5), np.float32(1))
    overall = float(np.sqrt(power.mean()))
    return maps * np.float32(min(1.0, STRONGEST_OVERALL / overall))


def texture_layers(deviations: NDArray[np.float32]) -> NDArray[np.float32]:
    """Shares of flat and of textured places, shape (2, h, w); they add up to one.

    The amplitudes of both layers are chosen independently, because compression removes the mark
    from one of them only.
    """
    share = texture_share(np.sqrt((deviations**2).mean(axis=0)))
    return np.stack([1 - share, share])

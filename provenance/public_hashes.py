"""Hashes of a signed picture that partners compute with their own tools."""

from __future__ import annotations

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image

HASH_SIZE = 16  # 256 bits, as long as PDQ; imagehash's default of 8 confuses common layouts


def public_hashes(pixels: NDArray[np.uint8]) -> dict[str, str]:
    """`imagehash` hashes of upright sRGB pixels, HxWx3, as hex strings.

    For exchange only: the registry decides by PDQ, a keyed hash and geometry.
    """
    picture = Image.fromarray(pixels).convert("L")  # what both do first
    return {
        "imagehash.phash": str(imagehash.phash(picture, hash_size=HASH_SIZE)),
        "imagehash.dhash": str(imagehash.dhash(picture, hash_size=HASH_SIZE)),
    }

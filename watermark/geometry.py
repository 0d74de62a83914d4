"""What was done to the picture's geometry, as a matrix and in words.

A pattern s(x) seen through x -> A x appears with its line f at A^-T f. All matrices here map
canonical coordinates of the marked picture to those of the picture under examination.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.watermark.carrier import TILE

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Geometry:
    """How the marked picture lies in the one examined.

    Attributes:
        scale_x, scale_y: size of the mark's tile relative to the one a freshly marked picture of
            this size has, across and, after the shear is taken out, down.
        rotation: degrees counter-clockwise as seen on screen, in (-180, 180].
        flipped: mirrored left to right before the rotation.
        shear: degrees by which the axes are not perpendicular.
        offset: shift (x, y) of the tile in canonical pixels of the marked picture; known only
            modulo the tile's 61 pixels, which is all that a periodic mark reveals about a crop.
    """

    scale_x: float
    scale_y: float
    rotation: float
    flipped: bool
    shear: float
    offset: tuple[float, float]


def similarity(scale: float, angle: float, flipped: bool = False) -> Matrix:
    """Rotation by `angle` radians and scaling, after an optional mirroring of x."""
    return stretch(scale, scale, angle, flipped)


def stretch(scale_x: float, scale_y: float, angle: float, flipped: bool = False) -> Matrix:
    """Mirror x (optional), scale the axes, rotate by `angle` radians."""
    cosine, sine = math.cos(angle), math.sin(angle)
    mirrored = -scale_x if flipped else scale_x
    return np.asarray(np.array([[cosine, -sine], [sine, cosine]]) @ np.diag([mirrored, scale_y]))


#: The eight symmetries of the square, identity first.
SYMMETRIES: tuple[Matrix, ...] = tuple(
    np.rint(similarity(1, quarter * math.pi / 2, flipped))
    for flipped in (False, True)
    for quarter in range(4)
)


def frequencies(lines: NDArray[np.int64], matrix: Matrix) -> NDArray[np.float64]:
    """Where comb lines (n, 2) appear, in cycles per pixel, shape (n, 2)."""
    (a, b), (c, d) = matrix.tolist()
    # Written out: the search asks hundreds of times, and the library takes 35 us for a 2 x 2.
    inverse = np.array([[d, -b], [-c, a]]) / ((a * d - b * c) * TILE)
    return np.asarray(lines @ inverse, np.float64)


def describe(matrix: Matrix, shift: tuple[float, float]) -> Geometry:
    """The parts of a matrix and the tile's shift."""
    flipped = bool(np.linalg.det(matrix) < 0)
    straight = matrix @ np.diag([-1.0, 1.0]) if flipped else matrix
    (a, b), (c, d) = straight
    angle = math.atan2(c, a)
    across = math.hypot(a, c)
    along = float(a * d - b * c) / across
    shear = math.degrees(math.atan2((a * b + c * d) / across, along))
    offset = (shift[0] % TILE, shift[1] % TILE)
    return Geometry(across, along, -math.degrees(angle) + 0.0, flipped, shear, offset)


def compose(geometry: Geometry) -> Matrix:
    """The matrix that `describe` took apart."""
    angle = -math.radians(geometry.rotation)
    lean = math.radians(geometry.shear)
    cosine, sine = math.cos(angle), math.sin(angle)
    upper = np.array(
        [[geometry.scale_x, geometry.scale_y * math.tan(lean)], [0.0, geometry.scale_y]]
    )
    straight = np.array([[cosine, -sine], [sine, cosine]]) @ upper
    return np.asarray(straight @ np.diag([-1.0, 1.0]) if geometry.flipped else straight)

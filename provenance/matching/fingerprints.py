"""What is stored of a picture, and the ways a query is looked at (frozen as `_v0`)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.content_boxes import Box, content_boxes, cut
from assay.provenance.matching.difference_hash import difference_grid, keyed_bits_v0
from assay.provenance.matching.graphics import colour_layout, is_graphic
from assay.provenance.matching.normalising import normalise_v0, renormalised
from assay.provenance.matching.pdq import FEATURELESS_BELOW, ORIENTATIONS, UPRIGHT, SmoothLuma

ALGORITHM = "assay.matching.v0"


@dataclass(frozen=True)
class Fingerprint:
    """The perceptual identity of one picture.

    Attributes:
        pdq: 32 bytes, interoperable with ThreatExchange.
        difference: 32 bytes, keyed, never disclosed; None of a work known by PDQ alone.
        quality: PDQ's image-domain quality, 0..100.
        graphic: flat artwork or lettering, which never matches on hashes alone.
        colours: 48 bytes, mean sRGB on a 4x4 grid; None of a work known by PDQ alone.
    """

    pdq: bytes
    difference: bytes | None
    quality: int
    graphic: bool
    colours: bytes | None = None

    @property
    def featureless(self) -> bool:
        """Too little gradient for the hashes to mean anything."""
        return self.quality < FEATURELESS_BELOW


@dataclass(frozen=True)
class Probe:
    """One way of looking at a query: a box of it, turned or mirrored, perhaps inverted."""

    box_name: str
    box: Box
    orientation: str
    inverted: bool
    pdq: bytes
    difference: bytes

    @property
    def name(self) -> str:
        """For receipts, for example `trimmed mirrored`."""
        parts = [self.box_name, self.orientation, "inverted" if self.inverted else ""]
        return " ".join(part for part in parts if part and part != UPRIGHT)

    @property
    def mirrored(self) -> bool:
        return ORIENTATIONS[self.orientation][0]


@dataclass(frozen=True)
class Sampled:
    """Luma made ready for both hashes."""

    smooth: SmoothLuma
    grid: NDArray[np.float32]

    @classmethod
    def of(cls, luma: NDArray[np.float32]) -> Sampled:
        """Of normalised luma, float32, 0..255."""
        return cls(SmoothLuma.of(luma), difference_grid(luma))


def fingerprint_v0(
    pixels: NDArray[np.uint8],
    key: bytes,
    *,
    luma: NDArray[np.float32] | None = None,
    sampled: Sampled | None = None,
) -> Fingerprint:
    """Fingerprint upright sRGB uint8 HxWx3.

    Args:
        luma: its `normalise_v0`, if at hand.
        sampled: that luma's, if at hand.
    """
    if luma is None:
        luma = normalise_v0(pixels)
    sampled = sampled or Sampled.of(luma)
    return Fingerprint(
        pdq=sampled.smooth.bits(),
        difference=keyed_bits_v0(sampled.grid, key),
        quality=sampled.smooth.quality,
        graphic=is_graphic(luma),
        colours=colour_layout(pixels),
    )


def probes_v0(
    luma: NDArray[np.float32], key: bytes, *, sampled: Sampled | None = None
) -> list[Probe]:
    """Every way a query is looked up.

    The whole picture in its 8 orientations and inverted (upright and mirrored); the trimmed
    and the content box, where there is one, upright and mirrored; halves and quarters, as
    collages have them, upright.

    Args:
        luma: normalised.
        sampled: the luma's, if at hand.
    """
    probes = []
    for name, box in {**content_boxes(luma), **COLLAGE_TILES}.items():
        if name == "whole":
            ready = sampled or Sampled.of(luma)
        else:
            ready = Sampled.of(renormalised(cut(luma, box)))
        views = [(orientation, False) for orientation in _ORIENTATIONS.get(name, (UPRIGHT,))]
        if name == "whole":
            views += [(UPRIGHT, True), ("mirrored", True)]
        for orientation, inverted in views:
            probes.append(
                Probe(
                    box_name=name,
                    box=box,
                    orientation=orientation,
                    inverted=inverted,
                    pdq=ready.smooth.bits(orientation, inverted=inverted),
                    difference=keyed_bits_v0(ready.grid, key, orientation, inverted=inverted),
                )
            )
    return probes


COLLAGE_TILES: dict[str, Box] = {
    "left half": (0.0, 0.0, 0.5, 1.0),
    "right half": (0.5, 0.0, 1.0, 1.0),
    "top half": (0.0, 0.0, 1.0, 0.5),
    "bottom half": (0.0, 0.5, 1.0, 1.0),
    "top left quarter": (0.0, 0.0, 0.5, 0.5),
    "top right quarter": (0.5, 0.0, 1.0, 0.5),
    "bottom left quarter": (0.0, 0.5, 0.5, 1.0),
    "bottom right quarter": (0.5, 0.5, 1.0, 1.0),
}

_ORIENTATIONS: dict[str, tuple[str, ...]] = {
    "whole": tuple(ORIENTATIONS),
    "trimmed": (UPRIGHT, "mirrored"),
    "content": (UPRIGHT, "mirrored"),
}

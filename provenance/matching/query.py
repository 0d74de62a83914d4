"""One picture that is asked about, with everything derived from it computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from assay.provenance.matching.content_boxes import WHOLE, Box, cut
from assay.provenance.matching.features import GRID, STORED_FEATURES, Features, Keypoints
from assay.provenance.matching.fingerprints import (
    Fingerprint,
    Probe,
    Sampled,
    fingerprint_v0,
    probes_v0,
)
from assay.provenance.matching.normalising import LONGEST_SIDE, normalise_v0, renormalised
from assay.provenance.matching.pictures import Picture


@dataclass(frozen=True)
class Pass:
    """A scale for local features: longest side in pixels, keypoints, cells a side."""

    name: str
    longest_side: int
    count: int
    grid: int


# Works are stored at 512, where whole copies and light crops agree. A strong crop has to be
# reduced to show things as small as the work does; a work inside the query, enlarged.
NATIVE = Pass("native", LONGEST_SIDE, STORED_FEATURES, GRID)
REDUCED = Pass("reduced", 256, 600, GRID)
ENLARGED = Pass("enlarged", 800, 900, 14)


@dataclass(frozen=True)
class View:
    """How a query is turned into local features; ORB itself takes care of turns."""

    how: Pass
    mirrored: bool = False
    inverted: bool = False
    box: Box = WHOLE


class Query:
    """A picture under question."""

    def __init__(self, picture: Picture, key: bytes) -> None:
        self.picture = picture
        self._key = key
        self._features: dict[View, Features] = {}
        self._keypoints: dict[tuple[Pass, Box], Keypoints] = {}

    @cached_property
    def luma(self) -> NDArray[np.float32]:
        return normalise_v0(self.picture.pixels)

    @cached_property
    def fingerprint(self) -> Fingerprint:
        return fingerprint_v0(self.picture.pixels, self._key, luma=self.luma, sampled=self._sampled)

    @cached_property
    def probes(self) -> list[Probe]:
        return probes_v0(self.luma, self._key, sampled=self._sampled)

    @cached_property
    def _sampled(self) -> Sampled:
        return Sampled.of(self.luma)

    def features(self, view: View) -> Features:
        """Local features; points are those of the whole query, mirrored if the view is."""
        if view not in self._features:
            self._features[view] = self._extract(view)
        return self._features[view]

    def _extract(self, view: View) -> Features:
        place = (view.how, view.box)
        if place not in self._keypoints:
            self._keypoints[place] = Keypoints(
                self._seen(view), count=view.how.count, grid=view.how.grid
            )
        found = self._keypoints[place].features(mirrored=view.mirrored, inverted=view.inverted)
        return found if view.box == WHOLE else self._placed(found, view)

    def _seen(self, view: View) -> NDArray[np.float32]:
        side = view.how.longest_side
        if view.box != WHOLE:
            return renormalised(cut(self.luma, view.box), side)
        if side != LONGEST_SIDE:
            return normalise_v0(self.picture.pixels, side)
        return self.luma

    def _placed(self, found: Features, view: View) -> Features:
        """Features of a box, moved to where they are in the whole query."""
        height, width = self.luma.shape
        left, top, right, bottom = view.box
        if view.mirrored:
            left, right = 1 - right, 1 - left
        size = np.array([(right - left) * width, (bottom - top) * height], np.float32)
        corner = np.array([left * width, top * height], np.float32)
        return Features(corner + found.points * (size.max() / LONGEST_SIDE), found.codes)

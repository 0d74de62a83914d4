"""Inpainting that keeps every pixel outside the mask, and proves it on the finished file.

A VAE changes pixels everywhere, and so does a full-frame watermark. With a strict mask the
result is composed with the base image, the mark goes inside the mask or nowhere, the file is
lossless, and before it is released its pixels are compared with the base image's.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from assay.errors import InputRefused
from assay.media import Media
from assay.provenance.generation.errors import StrictMaskFailed, UnusablePicture
from assay.provenance.generation.pixels import Pixels, to_pixels
from assay.provenance.generation.policy import StrictMask
from assay.provenance.generation.sources import Source

ASSERTION = "org.assay.strict-mask"
LOSSLESS = frozenset({".png", ".tif", ".tiff", ".webp"})
"""File names a strict result may have; WebP is written lossless."""

_HALF = 128
"""diffusers binarises masks at 0.5: from here on a pixel is repainted."""


@dataclass(frozen=True, eq=False)
class Region:
    """Where a strict result may differ from its base image.

    Attributes:
        base: sRGB uint8 pixels of the base image, (H, W, 3).
        inside: booleans, (H, W): True may change.
        mode: where the watermark goes.
    """

    base: Pixels = field(repr=False)
    inside: NDArray[np.bool_] = field(repr=False)
    mode: StrictMask

    @classmethod
    def of(cls, source: Source, mask: Any, mode: StrictMask) -> Region:
        """The region of a base image and the mask handed in with it.

        Raises:
            StrictMaskFailed: the base image cannot be kept exactly, or the mask has another
                size or selects nothing.
            UnusablePicture: the mask is none.
        """
        if source.altered:
            raise StrictMaskFailed(
                "the base image was changed after it was loaded",
                advice="a strict mask keeps the pixels of the file: resize the file first",
            )
        base = source.media.pixels()
        _require_exact(source.media, base)
        inside = mask_of(mask) >= _HALF
        if inside.shape != base.shape[:2]:
            raise StrictMaskFailed(
                f"the mask has {inside.shape[1]} x {inside.shape[0]} pixels, "
                f"the base image {base.shape[1]} x {base.shape[0]}"
            )
        if not inside.any():
            raise StrictMaskFailed(
                "the mask selects no pixel", advice="white, 128 to 255, is what gets repainted"
            )
        return cls(base, inside, mode)

    def compose(self, pixels: Pixels) -> Pixels:
        """`pixels` inside the mask, the base image outside.

        Raises:
            StrictMaskFailed: the sizes differ.
        """
        if pixels.shape[:2] != self.base.shape[:2]:
            raise StrictMaskFailed(
                f"the pipeline returned {pixels.shape[1]} x {pixels.shape[0]} pixels, "
                f"the base image has {self.base.shape[1]} x {self.base.shape[0]}",
                advice="its sides must be multiples of 8; crop the base image",
            )
        return np.where(self.inside[..., None], pixels[..., :3], self.base)

    def check(self, finished: Media) -> None:
        """The last gate: compare a finished file with the base image.

        Raises:
            StrictMaskFailed: a pixel outside the mask differs.
        """
        pixels = finished.pixels()
        if pixels.shape != self.base.shape:
            raise StrictMaskFailed("the finished file has another size than the base image")
        differs = (pixels != self.base).any(axis=2) & ~self.inside
        if differs.any():
            raise StrictMaskFailed(f"{int(differs.sum()):,} pixels outside the mask changed")

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, width and height of the smallest rectangle around the mask."""
        rows, columns = np.flatnonzero(self.inside.any(1)), np.flatnonzero(self.inside.any(0))
        left, top = int(columns[0]), int(rows[0])
        return left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1

    def to_json(self) -> dict[str, Any]:
        """Data of the assertion: enough to repeat the comparison with base image and mask.

        `maskSha256` is over one byte a pixel, 0 or 1, row by row; `keptSha256` over the RGB
        bytes of the pixels outside the mask in the same order.
        """
        return {
            "watermark": self.mode,
            "pixels": int(self.inside.sum()),
            "width": self.inside.shape[1],
            "height": self.inside.shape[0],
            "maskSha256": sha256(self.inside.astype(np.uint8).tobytes()).hexdigest(),
            "keptSha256": sha256(self.base[~self.inside].tobytes()).hexdigest(),
        }

    def to_change(self) -> dict[str, Any]:
        """The region of interest for the action (C2PA 2.4, regions of interest)."""
        left, top, width, height = self.box
        shape = {
            "type": "rectangle",
            "unit": "pixel",
            "origin": {"x": left, "y": top},
            "width": width,
            "height": height,
            "inside": True,
        }
        return {
            "region": [{"type": "spatial", "shape": shape}],
            "description": "pixels outside the mask are those of the parent",
        }


def mask_of(mask: Any) -> Pixels:
    """A mask as grey levels, uint8 (H, W).

    Raises:
        UnusablePicture: it is no picture.
    """
    if isinstance(mask, Image.Image):
        if 0 in mask.size:
            raise UnusablePicture("the mask is empty")
        return np.asarray(mask.convert("L"), np.uint8)
    return to_pixels(mask)[..., 0]


def _require_exact(media: Media, pixels: Pixels) -> None:
    """What is stored must be what is kept: 8 bits, RGB or grey, opaque, no colour conversion."""
    try:
        with Image.open(io.BytesIO(media.data)) as stored:
            upright = ImageOps.exif_transpose(stored)
            opaque = "A" not in upright.mode and "transparency" not in upright.info
            exact = opaque and upright.mode in ("RGB", "L", "P", "1")
            same = exact and np.array_equal(np.asarray(upright.convert("RGB")), pixels)
            mode = stored.mode
    except OSError as error:
        raise InputRefused(f"{media.name or 'base image'}: {error}") from error
    if not same:
        raise StrictMaskFailed(
            f"{media.name or 'the base image'} ({mode}) is not kept exactly: "
            "alpha, CMYK, 16 bits or a colour profile is converted",
            advice="convert it to an opaque 8-bit sRGB PNG first, or drop the strict mask",
        )

"""Harder edits than the suite's: what a determined or an unlucky picture goes through.

Same contract as `laundering_suite`: named, documented, seeded operations on uint8 (H, W, 3).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.datasets.laundering_suite import (
    SUITE,
    Edit,
    Operation,
    Pixels,
    blur,
    crop,
    gamma,
    in_turn,
    jpeg,
    noise,
    recompress,
    resize,
    rotate,
    rounded,
    sharpened,
    tone,
)


def perspective(degrees: float) -> Operation:
    """Seen from `degrees` to the side at a distance of 1.5 picture widths, tilted at random."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        signs = generator.choice([-1.0, 1.0], 2)
        yaw, pitch = np.radians(degrees) * signs
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [width / 2, height / 2]
        depth = 1.5 * width + corners[:, 0] * np.sin(yaw) + corners[:, 1] * np.sin(pitch)
        seen = corners * [np.cos(yaw), np.cos(pitch)] * (1.5 * width / depth)[:, None]
        centre = np.array([width / 2, height / 2])
        source, target = (corners + centre).astype(np.float32), (seen + centre).astype(np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        size = (width, height)
        return np.asarray(cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_CUBIC))

    return apply


def warp(share: float) -> Operation:
    """Smooth random displacements of up to `share` of the width, as StirMark's bending."""

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        height, width = pixels.shape[:2]
        fields = []
        for _ in range(2):
            coarse = generator.uniform(-1, 1, (5, 5)).astype(np.float32)
            fields.append(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC))
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        reach = np.float32(share * width)
        moved = (x + reach * fields[0], y + reach * fields[1])
        border = cv2.BORDER_REFLECT
        return np.asarray(cv2.remap(pixels, *moved, cv2.INTER_CUBIC, borderMode=border))

    return apply


def palette(colours: int) -> Operation:
    """GIF with an adaptive palette and error diffusion."""

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).quantize(colours).save(file, "GIF")
        return np.array(Image.open(file).convert("RGB"))

    return apply


def halftone(pixels: Pixels, _: np.random.Generator) -> Pixels:
    """Ordered dither of luma with an 8 x 8 clustered-dot screen, then a blur of 1.2 pixels."""
    height, width = pixels.shape[:2]
    y, x = np.mgrid[:height, :width]
    screen = 127.5 + 63 * (np.cos(2 * np.pi * x / 8) + np.cos(2 * np.pi * y / 8))
    dots = np.where(Image.fromarray(pixels).convert("L") > screen, 255, 0).astype(np.uint8)
    return np.asarray(np.repeat(cv2.GaussianBlur(dots, (0, 0), 1.2)[..., None], 3, axis=2))


def print_and_photograph(pixels: Pixels, generator: np.random.Generator) -> Pixels:
    """Perspective of 5 degrees, blur, gamma, uneven light, sensor noise, JPEG 80."""
    width = pixels.shape[1]
    photo = in_turn(perspective(5), blur(1.0), gamma(1.2))(pixels, generator)
    light = np.linspace(0.85, 1.05, width, dtype=np.float32)[None, :, None]
    return in_turn(noise(4), jpeg(80))(rounded(photo * light), generator)


def rounds(count: int) -> Operation:
    """`count` random edits of the suite, one after the other."""
    names = [
        "jpeg-70", "jpeg-50", "webp-80", "resize-0.75", "resize-1.5", "crop-75", "rotate-2",
        "blur-1", "noise-5", "brightness-1.3", "contrast-0.7", "gamma-0.7", "sharpen", "median-3",
    ]  # fmt: skip

    def apply(pixels: Pixels, generator: np.random.Generator) -> Pixels:
        for name in generator.choice(names, count, replace=False):
            pixels = SUITE[str(name)].operation(pixels, generator)
        return pixels

    return apply


_ROWS: tuple[tuple[str, str, str, Operation], ...] = (
    ("perspective-5", "geometry", "seen from 5 degrees to the side", perspective(5)),
    ("perspective-10", "geometry", "seen from 10 degrees to the side", perspective(10)),
    ("warp-0.5", "geometry", "smooth random warps, 0.5 % of the width", warp(0.005)),
    ("warp-1.5", "geometry", "smooth random warps, 1.5 % of the width", warp(0.015)),
    ("rotate-45-crop", "geometry", "45 degrees, centre half", in_turn(rotate(45), crop(0.5))),
    ("print-photograph", "analogue", "simulated print and photograph", print_and_photograph),
    ("halftone", "analogue", "clustered-dot screen of 8 pixels", halftone),
    ("palette-256", "compression", "GIF, 256 colours", palette(256)),
    ("palette-32", "compression", "GIF, 32 colours", palette(32)),
    ("avif-50", "compression", "AVIF 50", recompress("AVIF", 50)),
    ("avif-30", "compression", "AVIF 30", recompress("AVIF", 30)),
    ("jpeg-15", "compression", "JPEG 15", jpeg(15)),
    ("upscale-2", "resize", "doubled by interpolation, sharpened, JPEG 85",
     in_turn(resize(2.0), tone(sharpened), jpeg(85))),
    ("resize-0.33-back", "resize", "a third and back",
     in_turn(resize(1 / 3), resize(3.0))),
    ("five-rounds", "journey", "five random edits of the suite", rounds(5)),
)  # fmt: skip

#: Edits beyond the suite, by name.
BEYOND: Mapping[str, Edit] = MappingProxyType({row[0]: Edit(*row) for row in _ROWS})


def autoencoder_edits(
    reconstruct: Callable[[NDArray[np.float32]], NDArray[np.float32]],
) -> dict[str, Edit]:
    """The suite's two edits that need a model: a round trip through a diffusion autoencoder.

    `reconstruct` maps float32 (H, W, 3) of 0 to 1, both sides multiples of 8, to the same.
    """

    def apply(pixels: Pixels, _: np.random.Generator) -> Pixels:
        height, width = (side // 8 * 8 for side in pixels.shape[:2])
        unit = np.asarray(pixels[:height, :width] / 255, np.float32)
        return rounded(255 * reconstruct(unit))

    rows = (
        Edit("vae", "autoencoder", "encoded and decoded by an autoencoder", apply),
        Edit("vae-jpeg-70", "autoencoder", "the same, then JPEG 70", in_turn(apply, jpeg(70))),
    )
    return {edit.name: edit for edit in rows}

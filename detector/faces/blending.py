"""Self-blended images: forgeries made from one real face, without any forger.

Shiohara and Yamasaki, "Detecting Deepfakes with Self-Blended Images", CVPR 2022, section 3: a
face is copied, one copy is changed a little in colour or sharpness, the source is shifted and
resized, and it is blended back through a deformed mask of the face. A model that tells such
pictures from untouched ones has to look for the traces of blending, which real forgeries share.

The paper deforms the hull of 81 facial landmarks. There is no landmark model here: the mask starts
from a fixed outline of a frontal face inside the box of the face finder.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.detector.faces.finding import Box

Pixels = NDArray[np.uint8]
Mask = NDArray[np.float32]

# Brows, temples, cheeks, jaw and chin as fractions of a box that reaches from brow to chin.
_OUTLINE = np.array(
    [
        [0.10, 0.22], [0.28, 0.10], [0.50, 0.07], [0.72, 0.10], [0.90, 0.22], [0.95, 0.45],
        [0.92, 0.65], [0.82, 0.84], [0.66, 0.97], [0.50, 1.01], [0.34, 0.97], [0.18, 0.84],
        [0.08, 0.65], [0.05, 0.45],
    ],
    np.float32,
)  # fmt: skip
# Hulls that forgers use: whole face, without the forehead, mouth and jaw only, eyes and nose.
_VERTICAL_PARTS = ((0.0, 1.05), (0.0, 1.05), (0.25, 1.05), (0.5, 1.05), (0.0, 0.75))
# Section 3.2 and the authors' settings: how opaque the source is.
_OPACITIES = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)


def self_blend(pixels: Pixels, box: Box, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Blend a changed copy of a face into the picture it came from.

    Args:
        pixels: sRGB uint8, HxWx3, with an untouched face.
        box: the face, (left, top, right, bottom), brow to chin.
        rng: source of all randomness.

    Returns:
        The self-blended picture, sRGB uint8 HxWx3, and the mask that was used, float32 HxW in
        0..1 (1 where only the changed copy shows).
    """
    changed = _change(pixels, rng)
    source, target = (changed, pixels) if rng.random() < 0.5 else (pixels, changed)
    mask = _mask(pixels.shape[:2], box, rng)
    source, mask = _shift(source, mask, box, rng)
    weight = mask[..., None] * np.float32(rng.choice(_OPACITIES))
    blended = source.astype(np.float32) * weight + target.astype(np.float32) * (1 - weight)
    return np.asarray(np.clip(blended + 0.5, 0, 255), np.uint8), mask


def _change(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Section 3.1: a shift of colour, and one of reduced or raised sharpness."""
    values = pixels.astype(np.float32)
    if rng.random() < 0.7:
        values += rng.uniform(-20, 20, 3).astype(np.float32)
    if rng.random() < 0.6:
        unit = np.clip(values / 255, 0, 1).astype(np.float32)
        hsv = np.asarray(cv2.cvtColor(unit, cv2.COLOR_RGB2HSV), np.float32)
        hsv[..., 0] += np.float32(rng.uniform(-8, 8))
        hsv[..., 1:] *= rng.uniform(0.8, 1.2, 2).astype(np.float32)
        hsv[..., 0] %= 360
        hsv[..., 1:] = np.clip(hsv[..., 1:], 0, 1)
        values = np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.float32) * np.float32(255)
    if rng.random() < 0.5:
        mean = values.mean()
        values = mean + (values - mean) * np.float32(rng.uniform(0.9, 1.1))
    height, width = values.shape[:2]
    if rng.random() < 0.5:
        scale = rng.uniform(0.3, 0.9)
        size = (max(8, round(width * scale)), max(8, round(height * scale)))
        small = cv2.resize(values, size, interpolation=cv2.INTER_AREA)
        enlarged = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
        values = np.asarray(enlarged, np.float32)
    else:
        smooth = np.asarray(cv2.GaussianBlur(values, (0, 0), rng.uniform(0.7, 1.5)), np.float32)
        values = values + np.float32(rng.uniform(0.2, 0.8)) * (values - smooth)
    return np.asarray(np.clip(values + 0.5, 0, 255), np.uint8)


def _mask(shape: tuple[int, int], box: Box, rng: np.random.Generator) -> Mask:
    """Section 3.2: a hull of the face, elastically deformed, then softened twice."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    first, last = _VERTICAL_PARTS[rng.integers(len(_VERTICAL_PARTS))]
    points = _OUTLINE.copy()
    points[:, 1] = np.clip(points[:, 1], first, last)
    points += rng.normal(0, 0.03, points.shape).astype(np.float32)
    corners = (points * [width, height] + [left, top]).astype(np.int32)
    mask = np.zeros(shape, np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(corners), 1.0)
    mask = _deform(mask, width, rng)
    softness = width * rng.uniform(0.01, 0.08)
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.8, softness)), np.float32)
    # Shrink before softening again, so that the edge lies inside the face.
    mask = (mask > rng.uniform(0.5, 0.95)).astype(np.float32)
    softness = width * rng.uniform(0.01, 0.08)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), max(0.8, softness)), np.float32)


def _deform(mask: Mask, width: int, rng: np.random.Generator) -> Mask:
    """Elastic deformation on a grid of about eight cells across the face."""
    height_all, width_all = mask.shape
    cell = max(4, width // 8)
    grid = (max(2, height_all // cell), max(2, width_all // cell))
    offsets = []
    for _ in range(2):
        coarse = rng.normal(0, 0.03 * width, grid).astype(np.float32)
        offsets.append(cv2.resize(coarse, (width_all, height_all), interpolation=cv2.INTER_CUBIC))
    rows, columns = np.mgrid[:height_all, :width_all].astype(np.float32)
    moved = cv2.remap(mask, columns + offsets[0], rows + offsets[1], cv2.INTER_LINEAR)
    return np.asarray(moved, np.float32)


def _shift(source: Pixels, mask: Mask, box: Box, rng: np.random.Generator) -> tuple[Pixels, Mask]:
    """Section 3.1: translate and resize the source and its mask by a few per cent of the face."""
    left, top, right, bottom = box
    width, height = right - left, bottom - top
    scale = rng.uniform(0.95, 1 / 0.95)
    centre = ((left + right) / 2, (top + bottom) / 2)
    move = np.asarray(cv2.getRotationMatrix2D(centre, 0.0, scale), np.float64)
    move[:, 2] += [rng.uniform(-0.03, 0.03) * width, rng.uniform(-0.015, 0.015) * height]
    size = (source.shape[1], source.shape[0])
    moved = cv2.warpAffine(source, move, size, borderMode=cv2.BORDER_REFLECT)
    moved_mask = cv2.warpAffine(mask, move, size)
    return np.asarray(moved, np.uint8), np.asarray(moved_mask, np.float32)

"""Tiles: features are measured per tile and averaged, so a score is a mean of tile scores."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

# 160 = 20 blocks of 8: the DCT grid and every harmonic of 1/8 cycle per pixel fall on whole
# frequencies of the tile, and the standard 320-px crop holds exactly four tiles.
TILE = 160

Plane = NDArray[np.float32]
Tiles = NDArray[np.float32]


@dataclass(frozen=True)
class TiledPicture:
    """A picture with the planes that several feature groups share.

    Attributes:
        rgb: float32, HxWx3, 0..255; at least one tile in each direction.
        luma: float32, HxW, BT.601 weights (the JPEG luma).
        stride: distance between tiles in pixels.
    """

    rgb: Plane
    luma: Plane
    stride: int = TILE

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], stride: int = TILE) -> TiledPicture:
        """Prepare uint8 HxWx3 pixels; a picture smaller than a tile is mirrored at its edges."""
        height, width = pixels.shape[:2]
        below, right = max(0, TILE - height), max(0, TILE - width)
        if below or right:
            pixels = np.asarray(
                cv2.copyMakeBorder(pixels, 0, below, 0, right, cv2.BORDER_REFLECT), np.uint8
            )
        rgb = pixels.astype(np.float32)
        luma = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
        return cls(rgb=rgb, luma=luma, stride=stride)

    @property
    def grid(self) -> tuple[int, int]:
        """Number of tiles down and across."""
        height, width = self.luma.shape
        return (height - TILE) // self.stride + 1, (width - TILE) // self.stride + 1

    def tiles(self, plane: Plane, shrink: int = 1) -> Tiles:
        """Cut a plane of this picture (or of it reduced `shrink` times) into tiles.

        Returns:
            float32, n x (TILE/shrink) x (TILE/shrink), row by row.
        """
        side, stride = TILE // shrink, self.stride // shrink
        down, across = self.grid
        windows = sliding_window_view(plane, (side, side))[::stride, ::stride]
        return np.ascontiguousarray(windows[:down, :across]).reshape(-1, side, side)


def moments(tiles: Tiles) -> NDArray[np.float32]:
    """Skewness and log kurtosis of each tile, n x 2; both are blind to contrast."""
    flat = tiles.reshape(len(tiles), -1)
    flat = flat - flat.mean(1, keepdims=True)
    squared = flat * flat
    variance = squared.mean(1) + 1e-6
    skewness = (squared * flat).mean(1) / variance**1.5
    kurtosis = (squared * squared).mean(1) / variance**2
    return np.stack([np.clip(skewness, -20, 20), np.log1p(kurtosis)], 1).astype(np.float32)


def count_codes(tiles: Tiles, bins: int) -> NDArray[np.float64]:
    """How often each whole number 0..bins-1 occurs in each tile, n x bins."""
    codes = tiles.reshape(len(tiles), -1).astype(np.int64)
    codes += np.arange(len(tiles))[:, None] * bins
    return np.bincount(codes.ravel(), minlength=len(tiles) * bins).reshape(-1, bins).astype(float)

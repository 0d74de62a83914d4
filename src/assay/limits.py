"""Limits on media, enforced before any pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """What Assay agrees to open.

    Attributes:
        max_bytes: file size. 100 MB holds a 100-megapixel JPEG and a minute of 1080p video.
        max_pixels: width x height of one frame. Above any full-frame camera of 2026; Pillow
            itself would only warn at 100 MP.
        max_frames: frames of an animation that are looked at.
        max_seconds: duration of a video.
        max_side: longer side in pixels; JPEG, WebP and most software end here.
        min_side: shorter side in pixels. Under one 8x8 block there is nothing to examine.
    """

    max_bytes: int = 100_000_000
    max_pixels: int = 120_000_000
    max_frames: int = 50_000
    max_seconds: float = 1200.0
    max_side: int = 65_535
    min_side: int = 8

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value <= 0:
                raise ValueError(f"{name} must be positive, got {value}")

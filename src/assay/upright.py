"""From any Pillow mode to what a viewer shows: upright, sRGB, opaque, 8 bits."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageCms, ImageOps

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SRGB = ImageCms.createProfile("sRGB")


def upright_srgb(image: Image.Image) -> Image.Image:
    """EXIF orientation applied, ICC profile converted to sRGB, alpha over white, mode RGB."""
    image.load()
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    image = _eight_bit(image)
    alpha = None
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode in ("P", "1", "YCbCr", "HSV", "LAB"):
        image = image.convert("RGB")
    image = _to_srgb(image, profile)
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        white.paste(image, mask=alpha)
        image = white
    return image


def _eight_bit(image: Image.Image) -> Image.Image:
    """Integer and float grey modes scaled to 8 bits (Pillow's own convert would clip)."""
    if not image.mode.startswith(("I", "F")):
        return image
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    if image.mode == "F":
        low, high = float(values.min()), float(values.max())
        values = (values - low) * (255.0 / max(high - low, 1e-12))
    else:
        values = values / grey_steps(image.mode, values)
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8), "L")


def grey_steps(mode: str, values: NDArray[Any]) -> int:
    """How many steps of an integer grey mode make one step of 8 bits.

    Pillow reads 16-bit files as `I;16` or, from some formats, as 32-bit `I`, which also holds
    8-bit values.
    """
    return 257 if mode.startswith("I;16") or values.max(initial=0) > 255 else 1


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert through the embedded ICC profile; a broken profile is ignored, as viewers do."""
    if profile and image.mode in ("RGB", "CMYK", "L"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass
    return image.convert("RGB")

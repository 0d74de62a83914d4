"""One picture as PIL image, NumPy array or torch tensor, to sRGB uint8 and back."""

from __future__ import annotations

from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from assay.provenance.generation.errors import UnusablePicture

Pixels = NDArray[np.uint8]
_CHANNELS = (1, 3, 4)
_EIGHT_BITS = 255


def is_tensor(value: object) -> bool:
    """Whether this is a torch tensor; torch is not imported to find out."""
    return type(value).__module__.split(".")[0] == "torch" and hasattr(value, "detach")


def is_array(value: object) -> bool:
    """Whether this is a NumPy array or a torch tensor."""
    return isinstance(value, np.ndarray) or is_tensor(value)


def is_picture(value: object) -> TypeGuard[Any]:
    """Whether this is one picture: a PIL image, or an array of two or three dimensions."""
    return isinstance(value, Image.Image) or (is_array(value) and value.ndim in (2, 3))  # type: ignore[attr-defined]


def to_pixels(picture: Any) -> Pixels:
    """sRGB uint8, (H, W, 3) or with alpha (H, W, 4).

    Args:
        picture: a PIL image; an array (H, W), (H, W, C); a tensor (C, H, W) as diffusers
            returns, or (H, W, C) as ComfyUI does. Floats are 0..1, or -1..1 where a value is
            negative.

    Raises:
        UnusablePicture: empty, NaN, latents, or no picture at all.
    """
    if isinstance(picture, Image.Image):
        if 0 in picture.size:
            raise UnusablePicture(f"a picture of {picture.width} x {picture.height} pixels")
        has_alpha = "A" in picture.mode or "transparency" in picture.info
        return np.asarray(picture.convert("RGBA" if has_alpha else "RGB"), np.uint8)
    if not is_array(picture):
        raise UnusablePicture(f"{type(picture).__name__} is not a picture")
    values = _as_numpy(picture)
    if values.ndim == 3 and (_channels_first(values.shape, is_tensor(picture))):
        values = values.transpose(1, 2, 0)
    if values.ndim == 2:
        values = values[:, :, None]
    if values.ndim != 3 or values.size == 0:
        raise UnusablePicture(f"an array of shape {tuple(picture.shape)} is not a picture")
    if values.shape[2] not in _CHANNELS:
        raise UnusablePicture(
            f"an array of shape {tuple(picture.shape)} is not a finished picture",
            advice="latents have to be decoded first, by the pipeline's VAE",
        )
    eight_bits = _to_eight_bits(values)
    return np.repeat(eight_bits, 3, axis=2) if eight_bits.shape[2] == 1 else eight_bits


def like(picture: Any, pixels: Pixels) -> Any:
    """`pixels` as the kind of object that `picture` is: type, layout, dtype, device, range."""
    if isinstance(picture, Image.Image):
        made = Image.fromarray(pixels)
        made.info.update(picture.info)
        return made
    shape = tuple(picture.shape)
    channels_first = len(shape) == 3 and _channels_first(shape, is_tensor(picture))
    depth = 1 if len(shape) == 2 else shape[0 if channels_first else 2]
    values: NDArray[Any] = pixels[:, :, :1] if depth == 1 else pixels
    if channels_first:
        values = values.transpose(2, 0, 1)
    values = np.ascontiguousarray(values.reshape(shape))
    if is_tensor(picture):
        import torch

        if not picture.dtype.is_floating_point:
            return torch.from_numpy(values).to(picture)
        return (torch.from_numpy(values).float() / _EIGHT_BITS).to(picture)
    if picture.dtype == np.uint8:
        return values
    return (values.astype(np.float32) / _EIGHT_BITS).astype(picture.dtype)


def _as_numpy(picture: Any) -> NDArray[Any]:
    if not is_tensor(picture):
        return np.asarray(picture)
    values = picture.detach().cpu()
    return np.asarray(values.float().numpy() if values.dtype.is_floating_point else values.numpy())


def _channels_first(shape: tuple[int, ...], tensor: bool) -> bool:
    """Tensors are (C, H, W) unless only the last dimension can be channels."""
    if shape[2] in _CHANNELS and not (tensor and shape[0] in _CHANNELS):
        return False
    return shape[0] in _CHANNELS or tensor


def _to_eight_bits(values: NDArray[Any]) -> Pixels:
    if values.dtype == np.uint8:
        return np.ascontiguousarray(values)
    if not np.issubdtype(values.dtype, np.floating):
        raise UnusablePicture(f"pixels have dtype {values.dtype}, expected uint8 or float")
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnusablePicture(
            "the picture holds NaN or infinite values",
            advice="a VAE in half precision often overflows; run it in float32",
        )
    if low < -1.001 or high > 1.001:
        raise UnusablePicture(f"values run from {low:.3g} to {high:.3g}, expected 0 to 1")
    scaled = (values + 1) / 2 if low < 0 else values
    return np.ascontiguousarray(np.rint(np.clip(scaled, 0, 1) * _EIGHT_BITS).astype(np.uint8))

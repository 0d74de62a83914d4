"""Sizes and settings: what a pipeline cannot do, and what it does badly."""

from __future__ import annotations

from typing import Any

from assay.errors import ConfigurationError

_FAR = 1.5
"""Model cards of Stable Diffusion: far from the training size, subjects repeat or dissolve."""
_FEW_STEPS, _HIGH_GUIDANCE = 10, 15.0
"""Common advice of model cards; distilled models (turbo, lightning, LCM) need 1 to 8 steps."""
_DISTILLED = ("turbo", "lightning", "lcm", "schnell", "hyper", "distill")


def check_size(pipeline: Any, height: int | None, width: int | None) -> None:
    """Refuse sides that the pipeline's VAE cannot give.

    Raises:
        ConfigurationError: a side is not a positive multiple of 8, or of what it needs.
    """
    unit = unit_of(pipeline)
    for name, side in (("height", height), ("width", width)):
        if side is not None and (side <= 0 or side % unit):
            raise ConfigurationError(
                f"{name} {side} is not a positive multiple of {unit}",
                advice=f"try {max(unit, round(side / unit) * unit)}",
            )


def unit_of(pipeline: Any) -> int:
    """Pixels that one latent covers: sides are multiples of it."""
    spatial = getattr(pipeline, "vae_scale_factor_spatial", None)
    if spatial:
        patch = getattr(getattr(pipeline, "transformer", None), "config", None)
        size = getattr(patch, "patch_size", 1)
        return int(spatial) * (int(size[-1]) if isinstance(size, list | tuple) else int(size))
    return max(8, int(getattr(pipeline, "vae_scale_factor", 8) or 8))


def advice_on(
    pipeline: Any,
    *,
    model: str,
    height: int | None = None,
    width: int | None = None,
    steps: int | None = None,
    guidance: float | None = None,
) -> list[str]:
    """Sentences on settings that usually cost quality; empty when there are none."""
    found = []
    native = native_side(pipeline)
    for name, side in (("height", height), ("width", width)):
        if native and side and not native / _FAR <= side <= native * _FAR:
            found.append(
                f"{name} {side} is far from the {native} pixels this model was made for; "
                "subjects may repeat or dissolve"
            )
    distilled = any(word in model.lower() for word in _DISTILLED)
    if steps is not None and steps < _FEW_STEPS and not distilled:
        found.append(f"{steps} steps are few; below {_FEW_STEPS} pictures stay rough")
    if guidance is not None and guidance > _HIGH_GUIDANCE:
        found.append(f"guidance {guidance:g} is high; above {_HIGH_GUIDANCE:g} colours burn out")
    return found


def native_side(pipeline: Any) -> int | None:
    """The side a model was made for, in pixels, where its configuration says so."""
    network = getattr(pipeline, "unet", None)
    size = getattr(getattr(network, "config", None), "sample_size", None)
    return size * unit_of(pipeline) if isinstance(size, int) else None

"""Every picture and clip in what a generator returned, whatever its shape.

diffusers returns lists of PIL images, arrays (batch, H, W, C), tensors (batch, C, H, W); for
video lists of lists, arrays (batch, frames, H, W, C), tensors (batch, frames, C, H, W).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

import numpy as np

from assay.provenance.generation.pixels import is_array, is_picture, is_tensor

Kind = Literal["images", "frames"]

FIELDS: tuple[tuple[str, Kind], ...] = (
    ("images", "images"),
    ("frames", "frames"),
    ("videos", "frames"),
)
"""Where diffusers' output classes keep finished pixels, and of what kind."""

_CLIP_DIMENSIONS = 4
Change = Callable[[Any], Any]


def change_each(value: Any, kind: Kind, change: Change) -> Any:
    """`value` with `change` applied to every picture, or for `frames` to every clip.

    A clip is handed over as a list of pictures, and a list of as many is expected back.
    Containers keep their type; anything that holds no pixels is returned as it is.
    """
    if kind == "images":
        return _change_pictures(value, change)
    return _change_clips(value, change)


def count(value: Any, kind: Kind) -> int:
    """How many pictures or clips there are."""
    found = 0

    def one_more(item: Any) -> Any:
        nonlocal found
        found += 1
        return item

    change_each(value, kind, one_more)
    return found


def _change_pictures(value: Any, change: Change) -> Any:
    if is_picture(value):
        return change(value)
    if isinstance(value, list | tuple):
        return _rebuilt(value, [_change_pictures(item, change) for item in value])
    if is_array(value) and value.ndim >= _CLIP_DIMENSIONS:
        return _stacked(value, [_change_pictures(item, change) for item in value])
    return value


def _change_clips(value: Any, change: Change) -> Any:
    if is_array(value):
        if value.ndim == _CLIP_DIMENSIONS:
            return _stacked(value, change(list(value)))
        if value.ndim > _CLIP_DIMENSIONS:
            return _stacked(value, [_change_clips(item, change) for item in value])
        return value
    if isinstance(value, list | tuple) and value:
        if all(is_picture(item) for item in value):
            return _rebuilt(value, change(list(value)))
        return _rebuilt(value, [_change_clips(item, change) for item in value])
    return value


def _rebuilt(value: Any, items: Iterable[Any]) -> Any:
    return list(items) if isinstance(value, list) else tuple(items)


def _stacked(value: Any, items: list[Any]) -> Any:
    if not items:
        return value
    if is_tensor(value):
        import torch

        return torch.stack(items)
    return np.stack(items)

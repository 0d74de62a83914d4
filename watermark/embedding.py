"""Write a mark into a picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.errors import AlreadyMarked, InputRefused
from assay.watermark import amplitude_field
from assay.watermark.carrier import carrier_of
from assay.watermark.detection import detect
from assay.watermark.images import CanonicalPlanes, canonical_planes, check_pixels
from assay.watermark.keys import Key, family_of
from assay.watermark.payload import LONG, SHORT, Profile, check_payload
from assay.watermark.perception import strength_maps, texture_layers
from assay.watermark.projections import GROUPS, Pattern
from assay.watermark.rendering import add_plane
from assay.watermark.synthesis import blend
from assay.watermark.whitening import whiten

#: Pictures with fewer pixels carry the short profile.
SHORT_PROFILE_PIXELS = 300_000

#: Passes of the closed loop. The whitener is not linear; the second pass corrects what the
#: linear prediction missed. A third changes nothing measurable.
PASSES = 2

#: Four times the invisible strength is plainly visible and not much more robust.
MAXIMUM_STRENGTH = 4.0

Existing = Literal["refuse", "replace"]


def profile_for(height: int, width: int) -> Profile:
    """The profile that a picture of this size carries."""
    return SHORT if height * width < SHORT_PROFILE_PIXELS else LONG


def embed(
    pixels: NDArray[np.generic],
    payload: int,
    *,
    key: Key = None,
    mask: NDArray[np.generic] | None = None,
    strength: float = 1.0,
    existing: Existing = "refuse",
) -> NDArray[np.generic]:
    """A copy of a picture that carries `payload`.

    Args:
        pixels: uint8 or uint16, shape (H, W), (H, W, 1), (H, W, 3) or (H, W, 4); gray, RGB, or RGB
            with alpha, gamma-encoded. Alpha is copied, chroma is not touched.
        payload: 60 bits. Pictures below 0.3 megapixels carry the low 40 of them.
        key: None is the documented public key.
        mask: shape (H, W); where the mark may go: booleans, or weights from 0 to 1 (kept in steps
            of 1/255). Pixels with weight 0 are returned bit for bit.
        strength: factor on the strength that visibility allows; 1 is meant to be invisible.
        existing: what to do with a picture that already carries a mark of this key. A second mark
            erases the first.

    Returns:
        The marked picture, in the shape and dtype of `pixels`.

    Raises:
        AlreadyMarked: the picture carries a mark and `existing` is "refuse".
        InputRefused: the array is not a picture, is smaller than 96 pixels, or the mask does not
            fit it.
        TypeError, ValueError: the payload is not an integer of 60 bits, or the strength not
            positive.
    """
    shaped = check_pixels(pixels)
    value = check_payload(payload)
    if not 0 < strength <= MAXIMUM_STRENGTH:
        raise ValueError(f"strength {strength} is outside 0..{MAXIMUM_STRENGTH}")
    family = family_of(key)
    if existing == "refuse":
        _refuse_marked(pixels, key)
    carrier = carrier_of(family)
    profile = profile_for(*shaped.shape[:2])
    pattern = Pattern(carrier, carrier.message_symbols(value, profile))
    planes = canonical_planes(shaped)
    weights = _check_mask(mask, shaped)
    plane = design(planes, pattern, strength, weights).plane
    return add_plane(shaped, plane, weights).reshape(pixels.shape)


def _refuse_marked(pixels: NDArray[np.generic], key: Key) -> None:
    found = detect(pixels, key=key)
    if found is not None:
        raise AlreadyMarked(
            f"the picture already carries the watermark {found.payload:#x}",
            advice="to keep it, sign with --no-watermark; marking again would erase it",
        )


def _check_mask(
    mask: NDArray[np.generic] | None, shaped: NDArray[np.generic]
) -> NDArray[np.uint8] | None:
    """The mask as weights of 0 to 255; fully transparent pixels get 0. None is no mask."""
    height, width, channels = shaped.shape
    weights: NDArray[np.uint8] | None = None
    if mask is not None:
        if mask.shape != (height, width):
            raise InputRefused(f"the mask has shape {mask.shape}, expected {(height, width)}")
        if not (mask.min() >= 0 and mask.max() <= 1):
            raise InputRefused("the mask has values outside 0..1")
        weights = np.rint(mask.astype(np.float32) * 255).astype(np.uint8)
    if channels == 4:
        opaque = (shaped[:, :, 3] > 0).astype(np.uint8)  # type: ignore[operator]
        weights = opaque * np.uint8(255) if weights is None else weights * opaque
    return weights


@dataclass(frozen=True, eq=False)
class Design:
    """The mark of one picture at canonical size.

    Attributes:
        plane: float32, shape (h, w); what is added, in grey levels.
        amplitude: float32, shape (layers * nodes, VALUES); the amplitudes it was made with.
    """

    plane: NDArray[np.float32]
    amplitude: NDArray[np.float32]


def design(
    planes: CanonicalPlanes,
    pattern: Pattern,
    strength: float = 1.0,
    weights: NDArray[np.uint8] | None = None,
) -> Design:
    """Choose the mark for a picture in a closed loop with the detector's front end."""
    host = whiten(planes.luma, deviations=True)
    maps = weighted_strength(planes, host.deviations, strength, weights)
    layers = texture_layers(host.deviations)
    gain = pattern.gains(host.deviations, maps, layers)
    seen = pattern.project(host.values, layers)
    amplitude = np.zeros_like(gain[0])
    for number in range(PASSES):
        amplitude = amplitude_field.solve(seen - gain * amplitude, gain, GROUPS)
        plane = blend(pattern.tiles(amplitude), maps, layers, *planes.luma.shape)
        if number + 1 < PASSES:
            marked = np.clip(np.add(plane, planes.luma, out=plane), 0, 255, out=plane)
            seen = pattern.project(whiten(marked).values, layers)
    return Design(plane, amplitude)


def redraw(
    planes: CanonicalPlanes, pattern: Pattern, amplitude: NDArray[np.float32], strength: float
) -> NDArray[np.float32]:
    """The mark for a picture with amplitudes chosen for another, as the frames of a video."""
    deviations = whiten(planes.luma, deviations=True).deviations
    maps = weighted_strength(planes, deviations, strength, None)
    layers = texture_layers(deviations)
    return blend(pattern.tiles(amplitude), maps, layers, *planes.luma.shape)


def weighted_strength(
    planes: CanonicalPlanes,
    deviations: NDArray[np.float32],
    strength: float,
    weights: NDArray[np.uint8] | None,
) -> NDArray[np.float32]:
    """Strength maps times a factor and a native mask, shape of `deviations`."""
    maps = strength_maps(planes, deviations) * np.float32(strength)
    if weights is not None:
        size = (maps.shape[2], maps.shape[1])
        maps *= cv2.resize(weights, size, interpolation=cv2.INTER_AREA) / np.float32(255)
    return maps

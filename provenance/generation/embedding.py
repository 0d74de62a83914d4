"""From what a generator returned to the same with a mark in every picture and clip."""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from assay.errors import InputRefused
from assay.provenance.generation.errors import (
    StrictMaskFailed,
    UnmarkedOutputWarning,
    UnusablePicture,
)
from assay.provenance.generation.outputs import Kind, change_each, count
from assay.provenance.generation.pixels import Pixels, like, to_pixels
from assay.provenance.generation.remembering import MEMORY, Output
from assay.provenance.generation.strict_mask import Region
from assay.provenance.keys import watermark_key
from assay.watermark import PAYLOAD_BITS, VideoMarker, detect, embed
from assay.watermark.embedding import MAXIMUM_STRENGTH, SHORT_PROFILE_PIXELS

Describe = Callable[[int, int], Output]
"""(index, count) of a picture or clip -> what is known about it before it is marked."""

CLIMB = (1.0, 1.5, 2.0, 3.0)
"""Factors on the strength, tried until the mark reads back.

Only for pictures below 0.3 megapixels and for masks, where noise can drown a mark of the usual
strength: 41, 38, 35 and 32 dB PSNR on a tiny model's output. Larger ones are left to the gate."""

_BLANK = "every pixel has the same colour, as a safety checker leaves it"
_BLANK_ADVICE = "there is nothing to sign; change the prompt or the seed"


@dataclass(frozen=True)
class Marked:
    """Pixels after marking and what is known about them now."""

    frames: list[Pixels]
    output: Output


def mark_all(value: Any, kind: Kind, describe: Describe, flagged: Sequence[bool] = ()) -> Any:
    """`value` with every picture or clip marked and remembered.

    What cannot be marked is returned unchanged with a warning, so that one bad picture never
    costs the rest of a batch; `save` refuses it.

    Args:
        value: as `outputs.change_each`.
        kind: pictures, or frames of video.
        describe: gives each output its facts.
        flagged: for each picture, whether a safety checker blanked it.

    Raises:
        KeysUnavailable: there is no watermark key.
    """
    total = count(value, kind)
    index = -1

    def change(item: Any) -> Any:
        nonlocal index
        index += 1
        pictures = item if kind == "frames" else [item]
        output = describe(index, total)
        if index < len(flagged) and flagged[index]:
            output = replace(output, refusal="the safety checker blanked it", advice=_BLANK_ADVICE)
        changed = _mark_one(pictures, output)
        return changed if kind == "frames" else changed[0]

    return change_each(value, kind, change)


def mark_pixels(frames: list[Pixels], output: Output) -> Marked:
    """Put a fresh payload into a picture (one frame) or a clip.

    Nothing is raised for pixels that cannot carry a mark: the output then says so in
    `refusal`, unless its policy asks for no mark.
    """
    if output.refusal is not None:
        return Marked(frames, output)
    if (reason := _blank(frames)) is not None:
        return Marked(frames, replace(output, refusal=reason, advice=_BLANK_ADVICE))
    region = output.region
    if region is not None:
        try:
            frames = [region.compose(frames[0])]
        except StrictMaskFailed as error:
            return Marked(frames, replace(output, refusal=error.message, advice=error.advice))
    policy = output.policy
    if policy.watermark == "never" or (region is not None and region.mode == "fingerprint"):
        return Marked(frames, output)
    payload = secrets.randbits(PAYLOAD_BITS)
    try:
        marked, strength = _embed(frames, payload, policy.strength, region)
    except (InputRefused, StrictMaskFailed) as error:
        return Marked(frames, _without_mark(output, error.message, error.advice))
    facts = output.facts if strength == 1 else {**output.facts, "watermarkStrength": strength}
    return Marked(marked, replace(output, payload=payload, facts=facts))


def _mark_one(pictures: list[Any], output: Output) -> list[Any]:
    try:
        frames = [to_pixels(picture) for picture in pictures]
    except UnusablePicture as error:
        _warn(error.message)
        return pictures
    made = mark_pixels(frames, output)
    if made.output.refusal is not None:
        _warn(made.output.refusal)
        MEMORY.put(frames, made.output)
        return pictures
    changed = [like(picture, frame) for picture, frame in zip(pictures, made.frames, strict=True)]
    # In half precision what comes back is not to the bit what went in.
    MEMORY.put([to_pixels(picture) for picture in changed], made.output)
    return changed


def _embed(
    frames: list[Pixels], payload: int, strength: float, region: Region | None
) -> tuple[list[Pixels], float]:
    """Marked frames, and the strength it took.

    Marks of the base image are replaced: its manifest goes on as an ingredient.
    """
    key = watermark_key()
    if len(frames) > 1:
        marker = VideoMarker(payload, key=key, strength=strength)
        return [marker.mark(frame) for frame in frames], strength
    [frame] = frames
    mask = None if region is None else region.inside.astype(np.float32)
    small = frame.shape[0] * frame.shape[1] < SHORT_PROFILE_PIXELS
    for factor in CLIMB:
        tried = min(strength * factor, MAXIMUM_STRENGTH)
        marked = np.asarray(
            embed(frame, payload, key=key, mask=mask, strength=tried, existing="replace"), np.uint8
        )
        if not (small or region is not None) or _reads_back(marked, payload):
            return [marked], tried
    room = "the picture" if region is None else f"the {int(region.inside.sum()):,} masked pixels"
    advice = "generate a larger picture" if region is None else "use the strict mode `fingerprint`"
    raise StrictMaskFailed(f"the watermark does not read back from {room}", advice=advice)


def _reads_back(pixels: Pixels, payload: int) -> bool:
    """Outside a mask the base image's own mark may speak louder."""
    found = detect(pixels, key=watermark_key())
    return found is not None and found.payload == payload & ((1 << found.payload_bits) - 1)


def _without_mark(output: Output, reason: str, advice: str | None) -> Output:
    if output.policy.watermark == "when-possible":
        return output
    return replace(output, refusal=reason, advice=advice)


def _blank(frames: list[Pixels]) -> str | None:
    return _BLANK if all(_is_plain(frame) for frame in frames) else None


def _is_plain(frame: Pixels) -> bool:
    """Whether all pixels have one colour; a row is looked at first, which is nearly always all."""
    colour = frame[0, 0, :3]
    return bool((frame[0, :, :3] == colour).all() and (frame[..., :3] == colour).all())


def _warn(reason: str) -> None:
    warnings.warn(
        f"an output leaves unmarked and cannot be saved: {reason}",
        UnmarkedOutputWarning,
        stacklevel=6,
    )

"""The gate between a generator and a file: written marked, signed and read back, or not at all."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from assay.errors import InputRefused, OutputRefused
from assay.files import refuse_same_file
from assay.media import Media
from assay.provenance import marking
from assay.provenance.generation import strict_mask
from assay.provenance.generation.errors import UnmarkedOutput, UnusablePicture
from assay.provenance.generation.pixels import Pixels, is_array, is_picture, to_pixels
from assay.provenance.generation.remembering import MEMORY, Output
from assay.provenance.generation.telling import context_of, profile_of
from assay.provenance.generation.writing import (
    encode_clip,
    encode_picture,
    is_video_name,
)
from assay.provenance.keys import watermark_key
from assay.provenance.marking import Signed
from assay.provenance.matching import Registry
from assay.provenance.previewing import preview
from assay.watermark import VideoDetector, detect

QUALITY = 95
"""Of lossy pictures: the mark survives far less, but this is the first generation."""
FPS = 8.0
"""Of clips; what diffusers' own exporter assumes for its small video models."""


def save(
    image_or_frames: Any,
    path: str | Path,
    *,
    fps: float = FPS,
    quality: int = QUALITY,
    registry: Registry | None = None,
) -> Signed:
    """Write one output of an attached pipeline, marked and signed, or raise.

    The name appears only after both marks were read back from the finished bytes and, with a
    strict mask, the pixels outside it were compared with the base image.

    Args:
        image_or_frames: a picture, or the frames of one clip: PIL image, array, tensor, or a
            list of these. It may have been copied or converted since; where its pixels were
            changed, its watermark tells which output it is, and the manifest says that more
            happened than it tells.
        path: `.png .jpg .webp .avif .tiff` for a picture, `.mp4 .mov` for a clip.
        fps: frames per second of a clip.
        quality: of lossy pictures, 1 to 100.
        registry: default: the one of the settings; hand one in to save many.

    Returns:
        The signed media with its receipt.

    Raises:
        UnmarkedOutput: it came from no attached pipeline of this process, or it left one
            without a mark; the message says why.
        UnusablePicture: latents, NaN, no picture.
        StrictMaskFailed: pixels outside the mask differ.
        MarkFailed: a mark does not read back; KeysUnavailable: no keys, or an expired
            certificate; OutputRefused: the file cannot be written.
    """
    destination = Path(path)
    frames = _frames(image_or_frames, destination)
    output = _known(frames)
    _refuse(output, destination)
    media = _encoded(frames, output, destination, fps, quality)
    return marking.sign(
        media,
        profile=profile_of(output),
        out=destination,
        watermark=False,
        carries=output.payload,
        registry=registry,
        checks=() if output.region is None else (output.region.check,),
        preview=_preview(frames, destination),
        **context_of(output, media),
    )


def _frames(value: Any, destination: Path) -> list[Pixels]:
    """The pixels of a picture (one) or a clip (several), and whether the name fits them."""
    video = is_video_name(destination)
    if is_picture(value):
        pictures = [value]
    elif isinstance(value, list | tuple) or (is_array(value) and value.ndim >= 4):
        pictures = list(value)
        while len(pictures) == 1 and not is_picture(pictures[0]):
            pictures = list(pictures[0])
    else:
        raise UnusablePicture(f"{type(value).__name__} is not a picture and not frames")
    if not pictures:
        raise UnusablePicture("there are no frames")
    frames = [to_pixels(picture) for picture in pictures]
    if video == (len(frames) > 1) or (video and not is_picture(value)):
        if len({frame.shape for frame in frames}) > 1:
            raise UnusablePicture("the frames differ in size")
        return frames
    if video:
        raise OutputRefused(f"{destination}: a video name for one picture")
    raise OutputRefused(
        f"{destination}: one name for {len(frames)} pictures",
        advice="save each under its own name, or frames of video as .mp4",
    )


def _known(frames: list[Pixels]) -> Output:
    """What is known about these pixels, by themselves or by their watermark.

    Raises:
        UnmarkedOutput: nothing is.
    """
    exact = MEMORY.by_pixels(frames)
    if exact is not None:
        return exact
    found = None
    with contextlib.suppress(InputRefused):  # too small to carry one
        found = _find(frames)
    output = None if found is None else MEMORY.by_payload(found.payload, found.payload_bits)
    if output is None or output.region is not None:
        raise UnmarkedOutput(
            "this output did not leave an attached pipeline of this process as it is now",
            advice="attach the pipeline before it runs and save what it returns; "
            "`assay sign` is for files whose origin you vouch for",
        )
    return replace(output, complete=False)


def _preview(frames: list[Pixels], destination: Path) -> bytes | None:
    """Of an opaque picture; the library makes the others."""
    if is_video_name(destination) or frames[0].shape[2] != 3:
        return None
    return preview(frames[0])


def _find(frames: list[Pixels]) -> Any:
    if len(frames) == 1:
        return detect(frames[0], key=watermark_key())
    detector = VideoDetector(key=watermark_key())
    for frame in frames:
        if (found := detector.add(frame)) is not None:
            return found
    return detector.finish()


def _refuse(output: Output, destination: Path) -> None:
    """Everything that can be known to fail before pixels are encoded."""
    if output.refusal is not None:
        raise UnmarkedOutput(f"{destination}: not saved: {output.refusal}", advice=output.advice)
    if output.region is not None and destination.suffix.lower() not in strict_mask.LOSSLESS:
        raise OutputRefused(
            f"{destination}: a strict mask needs a lossless file",
            advice="use one of " + " ".join(sorted(strict_mask.LOSSLESS)),
        )
    for source in (output.base, *(source for _, source in output.inputs)):
        if source is not None and source.path is not None:
            refuse_same_file(source.path, destination)


def _encoded(
    frames: list[Pixels], output: Output, destination: Path, fps: float, quality: int
) -> Media:
    if is_video_name(destination):
        data = encode_clip(frames, destination, fps)
    else:
        lossless = output.region is not None
        data = encode_picture(frames[0], destination, quality=quality, lossless=lossless)
    return Media.from_bytes(data, name=destination.name)

"""What is known about each output between the generator and the file.

An output is recognised by its exact pixels, else by the payload of its watermark, so that a
picture that was copied, converted or changed on the way still gets its own manifest.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from assay.media import Media
from assay.provenance.generation.pixels import Pixels
from assay.provenance.generation.policy import Policy
from assay.provenance.generation.sources import Source
from assay.provenance.generation.strict_mask import Region
from assay.provenance.vocabulary import DigitalSourceType

REMEMBERED = 1024
"""Outputs known at a time, the oldest forgotten first; each holds its base image's bytes."""


@dataclass(frozen=True)
class Secrets:
    """What went into the generator and is told only as far as the policy allows.

    Attributes:
        seed_reproduces: whether this output comes from this seed alone: the generator was
            fresh and no other output of the batch was drawn from it before.
    """

    prompt: str | None = None
    negative_prompt: str | None = None
    seed: int | None = None
    seed_reproduces: bool = False


@dataclass(frozen=True)
class Output:
    """One picture or clip that left a generator.

    Attributes:
        agent: name of the model or tool.
        facts: for the manifest, JSON values.
        payload: of its watermark; None without one.
        refusal: why it must not be saved, and what to do about it; None if it may.
        base: the picture that was changed.
        source_type: how much of it the model made.
        inputs: what the model looked at, each with a title.
        components: signed outputs that it shows, for a contact sheet.
        region: what a strict mask allows to change.
        complete: whether the manifest tells everything that happened.
    """

    agent: str
    policy: Policy
    facts: dict[str, Any] = field(default_factory=dict)
    payload: int | None = None
    refusal: str | None = None
    advice: str | None = None
    base: Source | None = None
    source_type: DigitalSourceType = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA
    inputs: tuple[tuple[str, Source], ...] = ()
    components: tuple[Media, ...] = ()
    region: Region | None = None
    secrets: Secrets = field(default_factory=Secrets)
    complete: bool = True


def digest(frames: Sequence[Pixels]) -> bytes:
    """SHA-256 of shape and pixels of a picture (one frame) or a clip."""
    state = sha256(f"{len(frames)} {frames[0].shape}".encode())
    for frame in frames:
        state.update(frame.tobytes())
    return state.digest()


class Memory:
    """Outputs of this process; safe to use from several threads."""

    def __init__(self, capacity: int = REMEMBERED) -> None:
        self._capacity = capacity
        self._outputs: OrderedDict[bytes, Output] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, frames: Sequence[Pixels], output: Output) -> None:
        """Know these exact pixels as `output`."""
        key = digest(frames)
        with self._lock:
            self._outputs[key] = output
            self._outputs.move_to_end(key)
            while len(self._outputs) > self._capacity:
                self._outputs.popitem(last=False)

    def by_pixels(self, frames: Sequence[Pixels]) -> Output | None:
        """The output with these exact pixels."""
        with self._lock:
            return self._outputs.get(digest(frames))

    def by_payload(self, payload: int, bits: int) -> Output | None:
        """The output whose watermark has this payload in its low `bits`."""
        low = (1 << bits) - 1
        with self._lock:
            outputs = list(self._outputs.values())
        return next(
            (out for out in outputs if out.payload is not None and out.payload & low == payload),
            None,
        )


MEMORY = Memory()

"""What becomes of everything that an attached pipeline returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from assay.errors import ConfigurationError
from assay.provenance.prompting import PromptPolicy

Watermark = Literal["required", "when-possible", "never"]
StrictMask = Literal["inside", "fingerprint"]
Training = Literal["allowed", "notAllowed"]


@dataclass(frozen=True)
class Policy:
    """How outputs are marked and what their manifests tell.

    Attributes:
        watermark: `required`: what cannot carry the mark cannot be saved; `when-possible`:
            it is then signed with a manifest and a fingerprint only; `never`: no output is
            changed.
        prompt: what manifests tell about prompt and seed; nothing by default.
        model: name for manifests, in place of the pipeline's own.
        weights: hash the model's weights when attaching (about 1 s for each gigabyte).
        training: answer to the use of the outputs for AI training.
        strict_mask: for inpainting: outside the mask the result keeps every pixel of the
            base image, and the watermark goes `inside` the mask only, or nowhere and the
            file is bound by its `fingerprint`. None lets the pipeline change pixels anywhere.
        strength: factor on the watermark strength that visibility allows, up to 4.
    """

    watermark: Watermark = "required"
    prompt: PromptPolicy = PromptPolicy.OMIT
    model: str | None = None
    weights: bool = True
    training: Training | None = None
    strict_mask: StrictMask | None = None
    strength: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (
            ("watermark", get_args(Watermark)),
            ("prompt", tuple(PromptPolicy)),
            ("training", (None, *get_args(Training))),
            ("strict_mask", (None, *get_args(StrictMask))),
        ):
            if (value := getattr(self, name)) not in allowed:
                names = ", ".join(str(choice) for choice in allowed if choice)
                raise ConfigurationError(f"{name} {value!r} is not one of {names}")
        if not 0 < self.strength <= 4:
            raise ConfigurationError(f"watermark strength {self.strength} is outside 0..4")

"""Whatever leaves a generator leaves marked.

    from assay.provenance import generation

    pipeline = generation.attach(pipeline)            # any diffusers pipeline
    images = pipeline("a lighthouse", num_images_per_prompt=4).images
    generation.save(images[0], "lighthouse.png")      # marked, signed, read back, or raises

Pixels carry their watermark from the moment the pipeline returns; the manifest is made when
they are saved. `marked` does the same for any function, `load_image` opens base images so that
their own manifests become ingredients.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.provenance.generation.attaching import attach, detach, is_attached
    from assay.provenance.generation.decorating import marked
    from assay.provenance.generation.errors import (
        LostAttachmentWarning,
        StrictMaskFailed,
        UnmarkedOutput,
        UnmarkedOutputWarning,
        UnusablePicture,
    )
    from assay.provenance.generation.policy import Policy
    from assay.provenance.generation.saving import save
    from assay.provenance.generation.sources import load_image

__all__ = [
    "LostAttachmentWarning",
    "Policy",
    "StrictMaskFailed",
    "UnmarkedOutput",
    "UnmarkedOutputWarning",
    "UnusablePicture",
    "attach",
    "detach",
    "is_attached",
    "load_image",
    "marked",
    "save",
]

_HOMES = {
    "LostAttachmentWarning": "errors",
    "Policy": "policy",
    "StrictMaskFailed": "errors",
    "UnmarkedOutput": "errors",
    "UnmarkedOutputWarning": "errors",
    "UnusablePicture": "errors",
    "attach": "attaching",
    "detach": "attaching",
    "is_attached": "attaching",
    "load_image": "sources",
    "marked": "decorating",
    "save": "saving",
}


def __getattr__(name: str) -> Any:
    """Load a public name on first use: importing this package costs nothing."""
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

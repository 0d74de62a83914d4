"""What the signer is told about an output, and what its manifest holds besides."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from assay.media import Media
from assay.provenance.claims import Manifest, SoftBinding
from assay.provenance.generation import recording, strict_mask
from assay.provenance.generation.remembering import Output
from assay.provenance.matching.normalising import normalise_v0
from assay.provenance.matching.pdq import SmoothLuma
from assay.provenance.vocabulary import FINGERPRINT_ALGORITHM


def profile_of(output: Output) -> str:
    """The signing profile: composed of other outputs, changed from a base image, or new."""
    if output.components:
        return "composite"
    return "generated" if output.base is None else "edited"


def context_of(output: Output, media: Media) -> dict[str, Any]:
    """Arguments of `marking.sign` for an output that was encoded as `media`."""
    policy, secrets = output.policy, output.secrets
    context: dict[str, Any] = {
        "generator": output.agent,
        "source_type": output.source_type,
        "inputs": [source.embeddable() for _, source in output.inputs],
        "prompt": secrets.prompt,
        "negative_prompt": secrets.negative_prompt,
        "seed": secrets.seed,
        "prompt_policy": policy.prompt,
        "training": policy.training,
        "extend": partial(_extended, output, media),
    }
    if output.components:
        context["parent"] = list(output.components)
        del context["inputs"]
    elif output.base is not None:
        context["parent"] = output.base.embeddable()
    return context


def fingerprint_of(media: Media) -> str:
    """The public hash by which the registry finds a picture: PDQ, 64 hexadecimal digits."""
    return SmoothLuma.of(normalise_v0(media.pixels())).bits().hex()


def _extended(output: Output, media: Media, manifest: Manifest) -> Manifest:
    """The manifest with the settings of the model and, for a strict mask, its region."""
    manifest = manifest.with_assertion(recording.ASSERTION, output.facts)
    titles = ["base image"] * (output.base is not None) + [title for title, _ in output.inputs]
    if not output.components:
        titled = [
            replace(part, title=title)
            for part, title in zip(manifest.ingredients, titles, strict=True)
        ]
        manifest = replace(manifest, ingredients=tuple(titled))
    if output.region is not None:
        manifest = manifest.with_assertion(strict_mask.ASSERTION, output.region.to_json())
        *before, change = manifest.actions
        changed = {**change, "changes": [output.region.to_change()]}
        manifest = replace(manifest, actions=(*before, changed))
    if output.payload is None and media.is_image:
        binding = SoftBinding(FINGERPRINT_ALGORITHM, fingerprint_of(media))
        manifest = manifest.with_soft_binding(binding)
    return manifest if output.complete else replace(manifest, complete=False)

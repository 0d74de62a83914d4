"""The marks Assay leaves on an output: the watermark, then the C2PA manifest that seals it."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from assay.errors import ConfigurationError
from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance import manifests, watermarking
from assay.provenance.keys import watermark_key
from assay.provenance.manifests import Agent, IngredientInput, Manifest, SoftBinding
from assay.provenance.prompting import PromptPolicy, with_prompt
from assay.provenance.signing import sign_bytes
from assay.provenance.statements import Purpose, Use, with_consent
from assay.provenance.vocabulary import WATERMARK_ALGORITHM, Relationship

PAYLOAD_BITS = 60
LONGEST_NAME = 200  # of a generator; model ids with their revision are shorter


class WatermarkMarker:
    """Embeds a random 60-bit payload that the manifest and the registry name too."""

    name = "watermark"
    version = WATERMARK_ALGORITHM
    order = 20

    def mark(self, media: Media, context: MarkingContext) -> Media:
        """Embed `context.payload`, drawn when it is None and noted in the context.

        Raises:
            AlreadyMarked: the media carry a watermark of this key.
            InputRefused: the pixels cannot be marked or encoded again.
        """
        if not context.options.get("watermark", True):
            return media
        payload = context.payload
        if payload is None:
            payload = secrets.randbits(PAYLOAD_BITS)
        marked = watermarking.mark(
            media, payload, key=watermark_key(), progress=context.options.get("progress")
        )
        context.payload = payload
        return marked


class C2paMarker:
    """Signs a manifest that tells the profile's story and names the watermark's payload."""

    name = "c2pa"
    version = "1"
    order = 40

    def mark(self, media: Media, context: MarkingContext) -> Media:
        """Embed and sign the manifest `context.manifest_label`.

        Raises:
            ConfigurationError: the name of the generator is not one.
            KeysUnavailable, MarkFailed, UnsupportedMedia: as `sign_bytes`.
        """
        manifest = _with_statements(_story(context), context.options)
        if context.payload is not None:
            binding = SoftBinding.watermark(context.payload)
            manifest = manifest.with_soft_binding(binding, manifests.CLAIM_GENERATOR)
        data = sign_bytes(media, manifest)
        return Media.from_bytes(data, name=media.name, limits=media.limits)


def _story(context: MarkingContext) -> Manifest:
    """The manifest of the profile, before any binding."""
    options = context.options
    name = options.get("generator") or "unnamed generator"
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(
            f"a generator has a printable name of at most {LONGEST_NAME} characters"
        )
    agent = Agent(name, options.get("generator_version"))
    label, title = context.manifest_label or None, options.get("title")
    if context.profile == "edited":
        parent = _parent(options["parent"])
        return manifests.edited(agent, parent, label=label, title=title)
    if context.profile == "captured":
        return manifests.captured(agent, label=label, title=title)
    return manifests.generated(agent, label=label, title=title)


def _with_statements(manifest: Manifest, options: dict[str, Any]) -> Manifest:
    """Consent to training and what may be told about the prompt."""
    if training := options.get("training"):
        manifest = with_consent(manifest, dict.fromkeys(Purpose, Use(training)))
    if prompt := options.get("prompt"):
        manifest = with_prompt(
            manifest,
            prompt,
            PromptPolicy(options.get("prompt_policy") or PromptPolicy.OMIT),
            negative_prompt=options.get("negative_prompt"),
            seed=options.get("seed"),
        )
    return manifest


def _parent(path: str | Path) -> IngredientInput:
    parent = Media.open(path)
    return IngredientInput(parent.data, parent.media_type, Relationship.PARENT_OF, title="original")

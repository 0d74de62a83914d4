"""The marks Assay leaves on an output: the watermark, then the C2PA manifest that seals it."""

from __future__ import annotations

import secrets
from pathlib import Path

import numpy as np

import assay.watermark as watermark
from assay.encoding import replace_pixels
from assay.errors import ConfigurationError, InputRefused
from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance import manifests
from assay.provenance.keys import watermark_key
from assay.provenance.manifests import Agent, IngredientInput, Manifest, SoftBinding
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import WATERMARK_ALGORITHM, Relationship

PAYLOAD_BITS = 60


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
        try:
            marked = watermark.embed(media.pixels(), payload, key=watermark_key())
        except InputRefused as refusal:
            message = f"{media.name or 'input'}: {refusal.message}"
            raise type(refusal)(message, advice=refusal.advice) from refusal
        context.payload = payload
        data = replace_pixels(media, marked.astype(np.uint8))
        return Media.from_bytes(data, name=media.name, limits=media.limits)


class C2paMarker:
    """Signs a manifest that tells the profile's story and names the watermark's payload."""

    name = "c2pa"
    version = "1"
    order = 40

    def mark(self, media: Media, context: MarkingContext) -> Media:
        """Embed and sign the manifest `context.manifest_label`.

        Raises:
            ConfigurationError: the profile lacks what it needs (`edited` needs a parent).
            KeysUnavailable, MarkFailed, UnsupportedMedia: as `sign_bytes`.
        """
        manifest = _story(context)
        if context.payload is not None:
            binding = SoftBinding.watermark(context.payload)
            manifest = manifest.with_soft_binding(binding, manifests.CLAIM_GENERATOR)
        data = sign_bytes(media, manifest)
        return Media.from_bytes(data, name=media.name, limits=media.limits)


def _story(context: MarkingContext) -> Manifest:
    """The manifest of the profile, before any binding."""
    options = context.options
    agent = Agent(options.get("generator") or "unnamed generator", options.get("generator_version"))
    label, title = context.manifest_label or None, options.get("title")
    if context.profile == "edited":
        parent = _parent(options.get("parent"))
        return manifests.edited(agent, parent, label=label, title=title)
    if context.profile == "captured":
        return manifests.captured(agent, label=label, title=title)
    return manifests.generated(agent, label=label, title=title)


def _parent(path: str | Path | None) -> IngredientInput:
    if path is None:
        raise ConfigurationError(
            "the profile `edited` needs the picture that was edited",
            advice="pass it with --parent",
        )
    parent = Media.open(path)
    return IngredientInput(parent.data, parent.media_type, Relationship.PARENT_OF, title="original")

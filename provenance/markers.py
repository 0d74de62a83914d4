"""The marks Assay leaves on an output: the watermark, then the C2PA manifest that seals it."""

from __future__ import annotations

import secrets

from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance import manifests, stories, watermarking
from assay.provenance.keys import watermark_key
from assay.provenance.manifests import SoftBinding
from assay.provenance.previewing import LONG_EDGE, preview
from assay.provenance.signing import sign_bytes
from assay.provenance.vocabulary import WATERMARK_ALGORITHM

PAYLOAD_BITS = 60

PREVIEW = "preview"
"""Key of the notes of a `MarkingContext`: the JPEG that the manifest gets as its preview."""
SMALLEST_REDUCED = 2 * LONG_EDGE
"""Long edge up to which a preview shows the picture itself, which must not leave unmarked."""


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
        if context.profile in stories.SAME_CONTENT or not context.options.get("watermark", True):
            return media
        payload = context.payload
        if payload is None:
            payload = secrets.randbits(PAYLOAD_BITS)
        marked = watermarking.mark(
            media, payload, key=watermark_key(), progress=context.options.get("progress")
        )
        context.payload = payload
        if media.is_image and max(media.width, media.height) > SMALLEST_REDUCED:
            context.notes[PREVIEW] = preview(media.pixels())
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
        manifest = stories.tell(context, media)
        if context.payload is not None:
            binding = SoftBinding.watermark(context.payload)
            manifest = manifest.with_soft_binding(binding, manifests.CLAIM_GENERATOR)
        # The gate of `marking.sign` reads what is released; once is enough.
        thumbnail = context.notes.get(PREVIEW, True)
        data = sign_bytes(media, manifest, thumbnail=thumbnail, read_back=False)
        return Media.from_bytes(data, name=media.name, limits=media.limits)

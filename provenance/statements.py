"""Statements to add to a manifest: consent to training, and descriptive metadata."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from assay.errors import ConfigurationError
from assay.provenance.claims import Manifest
from assay.provenance.vocabulary import DigitalSourceType


class Use(StrEnum):
    """Answer to one kind of use (CAWG training and data mining 1.1)."""

    ALLOWED = "allowed"
    NOT_ALLOWED = "notAllowed"
    CONSTRAINED = "constrained"


class Purpose(StrEnum):
    """Kinds of use that an owner can allow or refuse, same source."""

    AI_TRAINING = "cawg.ai_training"
    AI_GENERATIVE_TRAINING = "cawg.ai_generative_training"
    AI_INFERENCE = "cawg.ai_inference"
    DATA_MINING = "cawg.data_mining"


_CONTEXT = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
}


def with_consent(
    manifest: Manifest, uses: Mapping[Purpose, Use], *, constraints: str | None = None
) -> Manifest:
    """Say which uses for training and mining are allowed.

    Written as `cawg.training-mining`: the older `c2pa.training-mining` is not among the
    assertions that the conformance program accepts.

    Args:
        manifest: to add to.
        uses: purpose -> answer.
        constraints: the terms, for every use that is `constrained`.
    """
    entries: dict[str, Any] = {}
    for purpose, use in uses.items():
        entries[str(Purpose(purpose))] = {"use": str(Use(use))}
        if use is Use.CONSTRAINED:
            if not constraints:
                raise ConfigurationError(f"{purpose} is constrained: say how")
            entries[str(purpose)]["constraint_info"] = constraints
    return manifest.with_assertion("cawg.training-mining", {"entries": entries})


def with_metadata(manifest: Manifest, values: Mapping[str, str]) -> Manifest:
    """Add descriptive metadata, signed, as `c2pa.metadata` (JSON-LD).

    Args:
        manifest: to add to.
        values: `prefix:Name` -> text, with the prefixes dc, exif, Iptc4xmpExt, photoshop,
            tiff, xmp and xmpRights.

    Raises:
        ConfigurationError: unknown prefix, or a source type outside the vocabulary.
    """
    prefixes = {name.partition(":")[0] for name in values}
    unknown = prefixes - _CONTEXT.keys()
    if unknown:
        raise ConfigurationError(f"metadata prefixes {sorted(unknown)} are not known")
    if "Iptc4xmpExt:DigitalSourceType" in values:
        DigitalSourceType.parse(values["Iptc4xmpExt:DigitalSourceType"])
    context = {prefix: _CONTEXT[prefix] for prefix in sorted(prefixes)}
    return manifest.with_assertion("c2pa.metadata", {"@context": context, **values})

"""The closed vocabularies of a manifest: source types, actions, relationships, algorithms."""

from __future__ import annotations

from enum import StrEnum

from assay.errors import ConfigurationError

SPEC_VERSION = "2.4"
"""C2PA version our manifests follow and declare (`specVersion`, conformance program 0.2)."""

IPTC_PREFIX = "http://cv.iptc.org/newscodes/digitalsourcetype/"
C2PA_PREFIX = "http://c2pa.org/digitalsourcetype/"

WATERMARK_ALGORITHM = "org.assay.watermark.v1"
"""`alg` of our soft binding: the 60-bit invisible watermark of `assay.watermark`, version 1.

The value is the payload as 15 lower-case hexadecimal digits, most significant first, as a
CBOR text string. C2PA 2.4 asks for a byte string, which cannot be written through the JSON
interface of the C2PA library (contentauth/c2pa-rs#2689); a text string is what other
watermark vendors write, and the registry keeps the authoritative binding. Readers here
accept text, byte strings and arrays of bytes.
"""

FINGERPRINT_ALGORITHM = "org.assay.fingerprint.v1"
"""`alg` of the perceptual fingerprint of `assay.provenance.matching`, version 1."""


class DigitalSourceType(StrEnum):
    """IPTC Digital Source Type NewsCodes, 2025 edition, and the two C2PA additions."""

    DIGITAL_CAPTURE = IPTC_PREFIX + "digitalCapture"
    COMPUTATIONAL_CAPTURE = IPTC_PREFIX + "computationalCapture"
    NEGATIVE_FILM = IPTC_PREFIX + "negativeFilm"
    POSITIVE_FILM = IPTC_PREFIX + "positiveFilm"
    PRINT = IPTC_PREFIX + "print"
    HUMAN_EDITS = IPTC_PREFIX + "humanEdits"
    MINOR_HUMAN_EDITS = IPTC_PREFIX + "minorHumanEdits"
    ALGORITHMICALLY_ENHANCED = IPTC_PREFIX + "algorithmicallyEnhanced"
    DIGITAL_CREATION = IPTC_PREFIX + "digitalCreation"
    DIGITAL_ART = IPTC_PREFIX + "digitalArt"
    SOFTWARE_IMAGE = IPTC_PREFIX + "softwareImage"
    DATA_DRIVEN_MEDIA = IPTC_PREFIX + "dataDrivenMedia"
    TRAINED_ALGORITHMIC_MEDIA = IPTC_PREFIX + "trainedAlgorithmicMedia"
    COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA = IPTC_PREFIX + "compositeWithTrainedAlgorithmicMedia"
    ALGORITHMIC_MEDIA = IPTC_PREFIX + "algorithmicMedia"
    SCREEN_CAPTURE = IPTC_PREFIX + "screenCapture"
    VIRTUAL_RECORDING = IPTC_PREFIX + "virtualRecording"
    COMPOSITE = IPTC_PREFIX + "composite"
    COMPOSITE_CAPTURE = IPTC_PREFIX + "compositeCapture"
    COMPOSITE_SYNTHETIC = IPTC_PREFIX + "compositeSynthetic"
    EMPTY = C2PA_PREFIX + "empty"
    TRAINED_ALGORITHMIC_DATA = C2PA_PREFIX + "trainedAlgorithmicData"

    @classmethod
    def parse(cls, text: str) -> DigitalSourceType:
        """Read a full URI or its last part.

        Raises:
            ConfigurationError: not in the vocabulary. The C2PA library itself accepts any
                string, so the check has to be here.
        """
        found = find_source_type(text)
        if found is None:
            raise ConfigurationError(
                f"{text!r} is not an IPTC digital source type",
                advice="see https://cv.iptc.org/newscodes/digitalsourcetype/",
            )
        return found


def find_source_type(text: object) -> DigitalSourceType | None:
    """The source type that a URI (http or https) or its last part names, or None."""
    if not isinstance(text, str):
        return None
    term = text.strip().replace("https://", "http://", 1)
    for candidate in (term, IPTC_PREFIX + term, C2PA_PREFIX + term):
        try:
            return DigitalSourceType(candidate)
        except ValueError:
            continue
    return None


GENERATED_TYPES = frozenset(
    {
        DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.TRAINED_ALGORITHMIC_DATA,
    }
)
"""Made wholly by a trained model."""

PARTLY_GENERATED_TYPES = frozenset(
    {
        DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
        DigitalSourceType.COMPOSITE_SYNTHETIC,
    }
)
"""Partly made by a trained model (inpainting, generative fill, composites)."""

CAPTURED_TYPES = frozenset(
    {
        DigitalSourceType.DIGITAL_CAPTURE,
        DigitalSourceType.COMPUTATIONAL_CAPTURE,
        DigitalSourceType.COMPOSITE_CAPTURE,
        DigitalSourceType.NEGATIVE_FILM,
        DigitalSourceType.POSITIVE_FILM,
        DigitalSourceType.PRINT,
    }
)
"""Light that fell on a sensor or a film."""


class Action(StrEnum):
    """Actions that Assay writes (C2PA 2.4, table of pre-defined actions)."""

    CREATED = "c2pa.created"
    OPENED = "c2pa.opened"
    PLACED = "c2pa.placed"
    EDITED = "c2pa.edited"
    CONVERTED = "c2pa.converted"
    TRANSCODED = "c2pa.transcoded"
    REDACTED = "c2pa.redacted"
    RESIZED = "c2pa.resized.proportional"
    CROPPED = "c2pa.cropped"
    WATERMARKED_BOUND = "c2pa.watermarked.bound"
    REATTACHED = "org.assay.reattached"


class Relationship(StrEnum):
    """How an ingredient relates to the asset (C2PA 2.4, ingredient assertion)."""

    PARENT_OF = "parentOf"
    COMPONENT_OF = "componentOf"
    INPUT_TO = "inputTo"

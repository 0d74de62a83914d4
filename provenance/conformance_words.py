"""Actions, assertions and parameters that the rubric of `conformance` knows (C2PA 2.4)."""

from __future__ import annotations


def _names(text: str) -> set[str]:
    return set(text.split())


def _labels(text: str) -> set[str]:
    return {f"c2pa.{name}" for name in _names(text)}


INCEPTION = {"c2pa.created", "c2pa.opened"}
NON_EDITORIAL = {
    "c2pa.converted",
    "c2pa.published",
    "c2pa.repackaged",
    "c2pa.transcoded",
    "c2pa.resized.proportional",
    "c2pa.enhanced",
    "c2pa.edited.metadata",
    "c2pa.watermarked",
    "c2pa.watermarked.bound",
    "c2pa.watermarked.unbound",
    "c2pa.redacted",
}
ALLOWED_ACTIONS = (
    INCEPTION
    | NON_EDITORIAL
    | _labels(
        "addedText adjustedColor changedSpeed color_adjustments cropped deleted drawing "
        "dubbed edited filtered mastered mixed orientation placed remixed removed resized "
        "translated trimmed unknown"
    )
)
DEPRECATED_ACTIONS = _labels(
    "copied formatted version_updated printed managed produced saved color_adjustments watermarked"
)
ALLOWED_ASSERTIONS = _labels(
    "hash.data hash.data.part actions.v2 ingredient.v3 hash.boxes hash.bmff.v3 "
    "hash.collection.data soft-binding cloud-data embedded-data metadata "
    "certificate-status asset-ref asset-type.v2 hash.multi-asset thumbnail.claim "
    "thumbnail.ingredient depthmap.GDepth icon alternative-content-representation "
    "external-reference session-keys environmental-sustainability repository-receipt "
    "ai-disclosure assertion.metadata time-stamp"
)
DEPRECATED_ASSERTIONS = {
    "c2pa.claim",
    "c2pa.hash.bmff.v2",
    "c2pa.asset-type",
    "c2pa.ingredient",
    "c2pa.ingredient.v2",
    "c2pa.actions",
}
STANDARD_PARAMETERS = _names(
    "redacted ingredients ingredient description relatedAssertions sourceLanguage "
    "targetLanguage multipleInstances ranges weight width italic slant optical-size"
)
RELATIONSHIPS = {"parentOf", "inputTo", "componentOf"}

"""The metadata examiner: what a file says about itself without signing it.

Anyone can write or remove these, so nothing here is more than moderate evidence. Prompts
are recognised but not copied into reports.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from assay.evidence import Evidence, PointsTo, Strength
from assay.media import Media
from assay.provenance.embedded import Embedded, extract
from assay.provenance.vocabulary import (
    CAPTURED_TYPES,
    GENERATED_TYPES,
    PARTLY_GENERATED_TYPES,
    find_source_type,
)

_IPTC_EXTENSION = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
_XMP_BASIC = "http://ns.adobe.com/xap/1.0/"
_EXIF_XMP = "http://ns.adobe.com/exif/1.0/"

# GB 45438-2025 writes one JSON value named AIGC; Label says how sure the producer is.
_AIGC_LABELS: dict[str, tuple[str, Strength]] = {
    "1": ("is AI-generated", "moderate"),
    "2": ("may be AI-generated", "weak"),
    "3": ("is suspected to be AI-generated", "weak"),
}
_AIGC_FIELDS = ("Label", "ContentProducer", "ProduceID", "ContentPropagator", "PropagateID")
_AIGC = re.compile(r'\{[^{}]{0,4000}"?Label"?[^{}]{0,4000}\}')

_A1111 = re.compile(r"\bSteps: \d+, Sampler: |\bSteps: \d+,.{0,200}\bCFG scale: ", re.DOTALL)
_COMFY = re.compile(r'"class_type"\s*:|"last_node_id"\s*:|"nodes"\s*:\s*\[')
_MIDJOURNEY = re.compile(r"Job ID: [0-9a-f]{8}-[0-9a-f]{4}|(?:^|\s)--(?:v|niji) [\d.]+(?:\s|$)")
_INVOKE_KEYS = ("invokeai_metadata", "invokeai_graph", "sd-metadata", "Dream")
_GOOGLE_CREDIT = re.compile(r"made with google ai|edited with google ai", re.IGNORECASE)

# Names that these programs write into Software, CreatorTool or encoder tags.
_GENERATORS = re.compile(
    r"\b(stable diffusion|automatic1111|comfyui|invokeai|fooocus|sd\.next|novelai|midjourney"
    r"|dall[-·]?e|imagen|adobe firefly|diffusers|flux\.1|leonardo\.ai|ideogram|draw things"
    r"|dreamstudio|bing image creator|nightcafe|sora)\b",
    re.IGNORECASE,
)
_EXPOSURE = ("ExposureTime", "FNumber", "ISOSpeedRatings", "FocalLength")
_ENOUGH_EXPOSURE_TAGS = 2
_SETTINGS_CHARACTERS = 100_000
"""Where settings are looked for in a text: prompts are shorter, hostile texts are not."""


class MetadataExaminer:
    """EXIF, XMP, IPTC, GB 45438 AIGC and generator text chunks.

    Findings: `iptc-generated`, `iptc-edited`, `iptc-captured`, `aigc-label`,
    `ai-system-named`, `generator-parameters`, `generator-software`, `camera-exif`.
    """

    name = "metadata"
    version = "1"

    def examine(self, media: Media) -> list[Evidence]:
        found = extract(media)
        return [
            *self._source_types(found),
            *self._aigc(found),
            *self._ai_systems(found),
            *self._parameters(found),
            *self._software(found),
            *self._camera(found),
        ]

    def _source_types(self, found: Embedded) -> Iterator[Evidence]:
        values = found.xmp.values(_IPTC_EXTENSION, "DigitalSourceType")
        for value in dict.fromkeys(values):
            source_type = find_source_type(value)
            term = value.rpartition("/")[2][:60]
            details = {"digital_source_type": value[:200]}
            if source_type in GENERATED_TYPES:
                text = f"The metadata declares the picture as made by AI ({term})."
                yield self._evidence("iptc-generated", "generated", "moderate", text, details)
            elif source_type in PARTLY_GENERATED_TYPES:
                text = f"The metadata declares the picture as partly made by AI ({term})."
                yield self._evidence("iptc-edited", "edited", "moderate", text, details)
            elif source_type in CAPTURED_TYPES:
                text = f"The metadata declares the picture as captured ({term})."
                yield self._evidence("iptc-captured", "captured", "weak", text, details)

    def _aigc(self, found: Embedded) -> Iterator[Evidence]:
        label = find_aigc(found)
        if label is None:
            return
        says, strength = _AIGC_LABELS.get(
            str(label.get("Label")), ("carries a label of another kind", "weak")
        )
        yield self._evidence(
            "aigc-label",
            "generated",
            strength,
            f"A GB 45438 label in the metadata says that the content {says}.",
            {key: str(label[key])[:200] for key in _AIGC_FIELDS if label.get(key)},
        )

    def _ai_systems(self, found: Embedded) -> Iterator[Evidence]:
        systems = found.xmp.values(_IPTC_EXTENSION, "AISystemUsed")
        credits = [
            credit
            for credit in found.xmp.values(_PHOTOSHOP, "Credit")
            if _GOOGLE_CREDIT.search(credit)
        ]
        if systems or credits:
            name = (systems or credits)[0][:100]
            yield self._evidence(
                "ai-system-named",
                "generated",
                "moderate",
                f"The metadata names an AI system: {name}.",
                {"ai_system": name},
            )

    def _parameters(self, found: Embedded) -> Iterator[Evidence]:
        tool, where = find_generator_parameters(found)
        if tool:
            yield self._evidence(
                "generator-parameters",
                "generated",
                "moderate",
                f"The file carries the generation settings of {tool}.",
                {"tool": tool, "where": where},
            )

    def _software(self, found: Embedded) -> Iterator[Evidence]:
        named = {
            "Software": found.exif.get("Software"),
            "PNG Software": found.texts.get("Software"),
            "CreatorTool": next(iter(found.xmp.values(_XMP_BASIC, "CreatorTool")), None),
            "encoder": found.texts.get("encoder"),
        }
        for where, value in named.items():
            if value and _GENERATORS.search(value):
                yield self._evidence(
                    "generator-software",
                    "generated",
                    "moderate",
                    f"The metadata names a generator as the software used: {value[:100]}.",
                    {"software": value[:100], "where": where},
                )
                return

    def _camera(self, found: Embedded) -> Iterator[Evidence]:
        make, model = found.exif.get("Make"), found.exif.get("Model")
        exposure = {key: found.exif[key] for key in _EXPOSURE if key in found.exif}
        if not make or not model or len(exposure) < _ENOUGH_EXPOSURE_TAGS:
            return
        yield self._evidence(
            "camera-exif",
            "captured",
            "weak",
            f"The metadata names a camera ({model[:60]}) and its exposure; "
            "anyone can write or copy that.",
            {"make": make[:60], "model": model[:60], **exposure},
        )

    def _evidence(
        self,
        finding: str,
        points_to: PointsTo,
        strength: Strength,
        summary: str,
        details: dict[str, Any],
    ) -> Evidence:
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="metadata",
            finding=finding,
            points_to=points_to,
            strength=strength,
            summary=summary,
            details=details,
        )


def find_aigc(found: Embedded) -> dict[str, Any] | None:
    """The GB 45438 label, from XMP, an EXIF comment, a PNG text chunk or a container tag."""
    candidates = [value for key, value in found.xmp.entries if key.endswith("AIGC")]
    candidates += [value for key, value in found.texts.items() if key.upper() == "AIGC"]
    candidates += [
        value
        for value in (found.exif.get("UserComment"), found.texts.get("comment"))
        if value and "AIGC" in value
    ]
    for text in candidates:
        for match in _AIGC.finditer(text[:20_000]):
            label = _json_object(match.group())
            if label is not None and "Label" in label:
                return label
    return None


def _json_object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def find_generator_parameters(found: Embedded) -> tuple[str | None, str]:
    """The tool whose generation settings are embedded, and where they are."""
    texts = found.texts
    comment = found.exif.get("UserComment", "")
    xmp_comments = "\n".join(found.xmp.values(_EXIF_XMP, "UserComment"))
    description = texts.get("Description") or found.exif.get("ImageDescription", "")
    if texts.get("Software") == "NovelAI" or texts.get("Title") == "AI generated image":
        return "NovelAI", "PNG text"
    for key in _INVOKE_KEYS:
        if key in texts:
            return "InvokeAI", key
    if "fooocus_scheme" in texts:
        return "Fooocus", "fooocus_scheme"
    for key in ("workflow", "prompt", "comment"):
        if _COMFY.search(texts.get(key, "")):
            return "ComfyUI", key
    for key in ("Make", "Model", "ImageDescription"):
        if _COMFY.search(found.exif.get(key, "")):
            return "ComfyUI", f"EXIF {key}"
    for where, text in (("parameters", texts.get("parameters", "")), ("UserComment", comment)):
        if _A1111.search(text[:_SETTINGS_CHARACTERS]):
            return "Stable Diffusion WebUI", where
    if '"sampler"' in xmp_comments and '"steps"' in xmp_comments:
        return "Draw Things", "XMP UserComment"
    if _MIDJOURNEY.search(description):
        return "Midjourney", "description"
    return None, ""

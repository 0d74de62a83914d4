"""What a file carries of what three rules ask for, point by point.

An engineering reading of public summaries of the texts, not legal advice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from assay.media import Media
from assay.provenance.credentials import Credentials
from assay.provenance.embedded import Embedded, extract
from assay.provenance.metadata import find_aigc
from assay.provenance.reading import read

DISCLAIMER = "An engineering reading of the requirements, not legal advice."

Status = Literal["met", "missing", "not-checkable"]


@dataclass(frozen=True)
class Point:
    """One requirement and how the file stands to it.

    Attributes:
        id: stable name.
        requirement: what is asked for.
        source: where it is written.
        status: met, missing, or not checkable from a file.
        found: what the file carries, or why it cannot be seen in it.
    """

    id: str
    requirement: str
    source: str
    status: Status
    found: str


@dataclass(frozen=True)
class Profile:
    """A rule and its points for one file."""

    rule: str
    title: str
    points: tuple[Point, ...]
    disclaimer: str = field(default=DISCLAIMER)

    @property
    def missing(self) -> tuple[Point, ...]:
        return tuple(point for point in self.points if point.status == "missing")


@dataclass(frozen=True)
class _File:
    credentials: Credentials
    embedded: Embedded

    @property
    def signed(self) -> bool:
        return self.credentials.state in ("valid", "trusted")

    @property
    def watermark(self) -> str | None:
        payload = self.credentials.watermark_payload
        return f"payload {payload:015x}" if payload is not None else None

    @property
    def systems(self) -> list[str]:
        return [action.agent for action in self.credentials.actions if action.agent]


_Finder = Callable[[_File], str | None]


@dataclass(frozen=True)
class _Requirement:
    """A point before it is held against a file; without `find` a file cannot show it."""

    id: str
    text: str
    source: str
    find: _Finder | None
    otherwise: str


def _marked_ai(file: _File) -> str | None:
    declared = file.credentials.digital_source_type
    generated = file.signed and file.credentials.origin in ("generated", "edited")
    return str(declared).rpartition("/")[2] if generated else None


def _signer(file: _File) -> str | None:
    return str(file.credentials.signer) if file.signed and file.credentials.signer else None


def _stamped(file: _File) -> str | None:
    moment = file.credentials.signed_at
    return moment.isoformat() if file.signed and moment else None


def _created(file: _File) -> str | None:
    moment = file.credentials.signed_at or file.credentials.created
    return moment.isoformat() if file.signed and moment else None


def _system(file: _File) -> str | None:
    return ", ".join(file.systems) if file.signed and file.systems else None


def _system_version(file: _File) -> str | None:
    named = [name for name in file.systems if any(part[0].isdigit() for part in name.split()[1:])]
    return ", ".join(named) if file.signed and named else None


def _identifier(file: _File) -> str | None:
    return file.credentials.manifest_label if file.signed else None


def _parents(file: _File) -> str | None:
    if not file.signed or file.credentials.broken_ingredients:
        return None
    count = len(file.credentials.ingredients)
    return f"{count} ingredients, all intact" if count else "no ingredients to keep"


def _aigc_field(*names: str) -> _Finder:
    def find(file: _File) -> str | None:
        label = find_aigc(file.embedded)
        if label is None or not all(label.get(name) for name in names):
            return None
        return ", ".join(f"{name}={label[name]}" for name in names)

    return find


_EU = "EU AI Act, Article 50(2); Code of Practice on marking of AI content (2026-06-10)"
_CA = "California SB 942 as amended by AB 853, section 22757.3"
_CN = "Measures for labelling AI-generated content, GB 45438-2025"

_RULES: dict[str, tuple[str, tuple[_Requirement, ...]]] = {
    "eu-ai-act": (
        "EU AI Act, Article 50(2): machine-readable marking of AI output",
        (
            _Requirement(
                "marked-as-ai",
                "Marked as generated or manipulated by AI, machine-readable",
                _EU,
                _marked_ai,
                "no valid manifest declares AI",
            ),
            _Requirement(
                "signed-metadata", "Metadata are signed", f"{_EU}, 1.1.1", _signer, "not signed"
            ),
            _Requirement(
                "time-stamp",
                "The signature is time-stamped",
                f"{_EU}, 1.1.1",
                _stamped,
                "no RFC 3161 time stamp; set ASSAY_TIMESTAMP_URL when signing",
            ),
            _Requirement(
                "watermark",
                "A second layer: an imperceptible watermark",
                f"{_EU}, 1.1.2",
                lambda file: file.watermark if file.signed else None,
                "the manifest names no watermark",
            ),
            _Requirement(
                "keeps-marks",
                "Marks of the inputs are kept",
                f"{_EU}, 1.2",
                _parents,
                "not signed, or an ingredient does not hold",
            ),
            _Requirement(
                "free-detector",
                "A detector is offered to the public free of charge",
                f"{_EU}, 2",
                None,
                "concerns the service, not the file",
            ),
        ),
    ),
    "california-sb942": (
        "California AI Transparency Act: latent disclosure",
        (
            _Requirement("provider", "Name of the provider", _CA, _signer, "no valid signature"),
            _Requirement("system-name", "Name of the AI system", _CA, _system, "no software agent"),
            _Requirement(
                "system-version",
                "Version of the AI system",
                _CA,
                _system_version,
                "no version of the software agent",
            ),
            _Requirement("time", "Date and time of creation", _CA, _created, "no time"),
            _Requirement("identifier", "A unique identifier", _CA, _identifier, "no manifest"),
            _Requirement(
                "hard-to-remove",
                "Permanent or extraordinarily difficult to remove",
                _CA,
                lambda file: file.watermark if file.signed else None,
                "the manifest names no watermark to recover it by",
            ),
            _Requirement(
                "detection-tool",
                "A free public detection tool that shows provenance without personal data",
                _CA,
                None,
                "concerns the service, not the file",
            ),
        ),
    ),
    "china-gb45438": (
        "China, GB 45438-2025: implicit label in file metadata",
        (
            _Requirement(
                "label",
                "Metadata key AIGC with Label",
                _CN,
                _aigc_field("Label"),
                "no AIGC metadata; C2PA does not replace it",
            ),
            _Requirement(
                "producer",
                "Name or code of the producer, number of the content",
                _CN,
                _aigc_field("ContentProducer", "ProduceID"),
                "ContentProducer or ProduceID is not there",
            ),
            _Requirement(
                "propagator",
                "Name or code of the propagator, number of the content",
                _CN,
                _aigc_field("ContentPropagator", "PropagateID"),
                "ContentPropagator or PropagateID is not there",
            ),
            _Requirement(
                "visible-label",
                "A label that people see",
                _CN,
                None,
                "whether people notice it cannot be read from the file",
            ),
        ),
    ),
}

RULES = tuple(_RULES)


def profile(media: Media, rule: str) -> Profile:
    """Hold a file against a rule.

    Args:
        media: the file.
        rule: `eu-ai-act`, `california-sb942` or `china-gb45438`.
    """
    title, requirements = _RULES[rule]
    file = _File(read(media), extract(media))
    return Profile(rule, title, tuple(_held_against(file, item) for item in requirements))


def _held_against(file: _File, item: _Requirement) -> Point:
    if item.find is None:
        return Point(item.id, item.text, item.source, "not-checkable", item.otherwise)
    found = item.find(file)
    if found is None:
        return Point(item.id, item.text, item.source, "missing", item.otherwise)
    return Point(item.id, item.text, item.source, "met", found)

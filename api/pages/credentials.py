"""Content Credentials as a person reads them: state, signer, history, and what it was made from.

The levels are those of the C2PA user experience guidance 2.2: that there are credentials and
whether they hold (1), who signed what with which tool (2), the history (3), and the raw
documents (4), each a step further in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assay.api.pages.rendering import moment

STATES = {
    "trusted": "hold, and their signer is on the trust list {trust_list}",
    "valid": "hold; their signer is on none of the trust lists",
    "invalid": "do not hold",
    "none": "none",
}
ORIGINS = {
    "generated": "made by AI",
    "edited": "changed or composed with AI",
    "captured": "captured by a camera",
}
ACTIONS = {
    "c2pa.created": "Created",
    "c2pa.opened": "Opened",
    "c2pa.placed": "Placed something into it",
    "c2pa.edited": "Edited",
    "c2pa.cropped": "Cropped",
    "c2pa.resized": "Resized",
    "c2pa.converted": "Converted to another format",
    "c2pa.published": "Published",
    "c2pa.watermarked": "Watermarked",
    "c2pa.watermarked.bound": "Watermarked",
    "c2pa.watermarked.unbound": "Watermarked",
    "c2pa.color_adjustments": "Colours adjusted",
    "c2pa.drawing": "Drawn on",
    "c2pa.filtered": "Filtered",
    "c2pa.orientation": "Rotated",
    "c2pa.removed": "Something removed",
    "c2pa.repackaged": "Repackaged",
    "c2pa.transcoded": "Encoded again",
    "c2pa.unknown": "Something unknown was done",
}
SOURCE_TYPES = {
    "trainedAlgorithmicMedia": "by AI",
    "compositeWithTrainedAlgorithmicMedia": "composed with AI",
    "algorithmicMedia": "by a program",
    "digitalCapture": "by a camera",
    "digitalArt": "by hand, digitally",
    "composite": "from several parts",
    "screenCapture": "as a screenshot",
}
RELATIONS = {
    "parentOf": "What this was made from",
    "componentOf": "A part of it",
    "inputTo": "An input",
}
MOST_NODES = 64


@dataclass(frozen=True)
class Node:
    """One file in the history.

    Attributes:
        picture: number of its preview, in the order of `labels`; None when it has no manifest.
    """

    title: str
    told: str
    picture: int | None
    problems: tuple[str, ...]
    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Shown:
    """Credentials, ready to be shown."""

    state: str
    signer: str | None
    issuer: str | None
    generator: str | None
    signed_at: str | None
    created: str | None
    actions: tuple[str, ...]
    root: Node


def shown(details: Mapping[str, Any], name: str) -> Shown | None:
    """The credentials that the details of evidence describe, or None if they describe none.

    Args:
        details: as `assay.provenance.examiner.describe` writes them.
        name: of the file, for its place in the tree.
    """
    state = details.get("state")
    if state not in STATES or state == "none":
        return None
    numbers = {label: number for number, label in enumerate(labels(details))}
    words = STATES[state].format(trust_list=details.get("trust_list"))
    origin = ORIGINS.get(details.get("origin") or "")
    return Shown(
        state=words + (f". They say: {origin}" if origin else ""),
        signer=details.get("signer"),
        issuer=details.get("issuer"),
        generator=details.get("claim_generator"),
        signed_at=_moment(details.get("signed_at")),
        created=_moment(details.get("created")),
        actions=tuple(_action(action) for action in details.get("actions") or ()),
        root=_node(
            {**details, "title": details.get("title") or name},
            "This file" + (f", signed by {details['signer']}" if details.get("signer") else ""),
            numbers,
        ),
    )


def recovered(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What credentials say that belong to another file, in rows; not whether they hold."""
    origin = ORIGINS.get(details.get("origin") or "")
    rows = {
        "They say": origin,
        "Signed by": details.get("signer"),
        "Made with": details.get("claim_generator"),
        "Time stamped": _moment(details.get("signed_at")),
        "Created, as claimed": _moment(details.get("created")),
        "Title": details.get("title"),
        "Actions": "; ".join(_action(action) for action in details.get("actions") or ()),
        "Manifest": details.get("manifest_label"),
    }
    return [(name, value) for name, value in rows.items() if value]


def labels(details: Mapping[str, Any]) -> list[str]:
    """Manifest labels of a history, the file's own first, each once."""
    return list(dict.fromkeys(label for label in _labels(details) if label))[:MOST_NODES]


def _labels(part: Mapping[str, Any]) -> Iterator[str]:
    yield part.get("manifest_label") or ""
    for inner in part.get("ingredients") or ():
        yield from _labels(inner)


def _node(part: Mapping[str, Any], told: str, numbers: Mapping[str, int]) -> Node:
    return Node(
        title=part.get("title") or "without a title",
        told=told,
        picture=numbers.get(part.get("manifest_label") or ""),
        problems=tuple(problem["meaning"] for problem in part.get("problems") or ()),
        parts=tuple(
            _node(inner, _ingredient(inner), numbers) for inner in part.get("ingredients") or ()
        ),
    )


def _ingredient(part: Mapping[str, Any]) -> str:
    relation = RELATIONS.get(part.get("relationship") or "", "Something it was made from")
    if part.get("state") in (None, "none"):
        return f"{relation}; without Content Credentials"
    state = STATES[part["state"]].partition(",")[0].partition(";")[0]
    signer = f", signed by {part['signer']}" if part.get("signer") else ""
    return f"{relation}{signer}; its Content Credentials {state}"


def _action(action: Mapping[str, Any]) -> str:
    code = action.get("action") or ""
    words = ACTIONS.get(code, code)
    source = (action.get("digital_source_type") or "").rpartition("/")[2]
    parts = [words]
    if source:
        parts.append(SOURCE_TYPES.get(source, source))
    text = " ".join(parts)
    if action.get("agent"):
        text += f", with {action['agent']}"
    when = _moment(action.get("when"))
    return f"{text}, {when}" if when else text


def _moment(text: str | None) -> str | None:
    """A time as people write it; what is none is shown as it is."""
    if not text:
        return None
    try:
        return moment(datetime.fromisoformat(text))
    except ValueError:
        return text

"""The parts of a manifest to be signed: agents, soft bindings, ingredients, actions."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from assay.errors import ConfigurationError
from assay.provenance.vocabulary import (
    SPEC_VERSION,
    WATERMARK_ALGORITHM,
    Action,
    DigitalSourceType,
    Relationship,
)
from assay.version import __version__

_LABEL = re.compile(r"^urn:c2pa:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
_ALGORITHM = re.compile(r"^[a-z0-9-]+(\.[A-Za-z0-9_-]+)+$")
_PAYLOAD_BITS = 60
STORE_TYPE = "application/x-c2pa-manifest-store"
"""The library's name for a bare manifest store; its `application/c2pa` means an archive."""
_PAYLOAD_DIGITS = _PAYLOAD_BITS // 4


def new_label() -> str:
    """A fresh manifest label, `urn:c2pa:<uuid4>`; known before signing, so marks can name it."""
    return f"urn:c2pa:{uuid.uuid4()}"


@dataclass(frozen=True)
class Agent:
    """Software that did something: a model, a pipeline, an editor."""

    name: str
    version: str | None = None

    def to_json(self) -> dict[str, str]:
        return {"name": self.name, **({"version": self.version} if self.version else {})}


CLAIM_GENERATOR = Agent("Assay", __version__)


@dataclass(frozen=True)
class SoftBinding:
    """A mark in the content that leads back to the manifest.

    Attributes:
        alg: algorithm identifier, dotted, such as `org.assay.watermark.v1`.
        value: as text; see `vocabulary.WATERMARK_ALGORITHM` for why not bytes.
    """

    alg: str
    value: str

    def __post_init__(self) -> None:
        if not self.is_algorithm(self.alg):
            raise ConfigurationError(f"{self.alg!r} is not a dotted soft binding algorithm id")

    @staticmethod
    def is_algorithm(text: str) -> bool:
        """Whether `text` has the form of an algorithm identifier."""
        return _ALGORITHM.match(text) is not None

    @classmethod
    def watermark(cls, payload: int) -> SoftBinding:
        """The binding of Assay's invisible watermark.

        Args:
            payload: 60-bit unsigned integer.
        """
        if not 0 <= payload < 1 << _PAYLOAD_BITS:
            raise ConfigurationError(f"watermark payload {payload} does not fit 60 bits")
        return cls(WATERMARK_ALGORITHM, f"{payload:0{_PAYLOAD_DIGITS}x}")

    @property
    def watermark_payload(self) -> int | None:
        """The payload, if this is a binding of Assay's watermark."""
        if self.alg != WATERMARK_ALGORITHM:
            return None
        try:
            payload = int(self.value, 16)
        except ValueError:
            return None
        return payload if 0 <= payload < 1 << _PAYLOAD_BITS else None

    def to_json(self) -> dict[str, Any]:
        return {"alg": self.alg, "blocks": [{"scope": {}, "value": self.value}]}


@dataclass(frozen=True)
class IngredientInput:
    """Something the asset was made from.

    Attributes:
        data: its bytes, with its own manifest if it has one.
        media_type: IANA media type.
        relationship: parent (edited), component (placed) or input (fed to a model).
        title: shown to readers; never a path.
    """

    data: bytes = field(repr=False)
    media_type: str
    relationship: Relationship
    title: str = "image"

    @classmethod
    def recovered(cls, store: bytes, title: str = "original") -> IngredientInput:
        """A parent of which only the manifest was found again, not the file itself."""
        return cls(store, STORE_TYPE, Relationship.PARENT_OF, title)

    @property
    def is_recovered(self) -> bool:
        return self.media_type == STORE_TYPE


@dataclass(frozen=True)
class Manifest:
    """What will be claimed about one asset. Immutable; `with_*` give changed copies.

    Attributes:
        actions: in order, the inception first.
        label: `urn:c2pa:<uuid>`.
        title: shown to readers; never a path.
        generator: software that makes the claim.
        ingredients: what the asset was made from.
        assertions: label and data of every further assertion.
        redactions: URIs of assertions to remove from ingredients.
        complete: whether `actions` is everything that happened (`allActionsIncluded`).
    """

    actions: tuple[dict[str, Any], ...]
    label: str = field(default_factory=new_label)
    title: str | None = None
    generator: Agent = CLAIM_GENERATOR
    ingredients: tuple[IngredientInput, ...] = ()
    assertions: tuple[tuple[str, dict[str, Any]], ...] = ()
    redactions: tuple[str, ...] = ()
    complete: bool = True

    def __post_init__(self) -> None:
        if not _LABEL.match(self.label):
            raise ConfigurationError(f"{self.label!r} is not a urn:c2pa:<uuid> label")

    def with_soft_binding(self, binding: SoftBinding, agent: Agent | None = None) -> Manifest:
        """Add a soft binding and, for a watermark, the action that put it there.

        C2PA demands both or neither: `c2pa.watermarked.bound` without the assertion is
        refused by validators, and the assertion alone does not say that pixels changed.
        """
        changed = self.with_assertion("c2pa.soft-binding", binding.to_json())
        if binding.alg != WATERMARK_ALGORITHM:
            return changed
        action = act(Action.WATERMARKED_BOUND, agent=agent or self.generator)
        return replace(changed, actions=(*changed.actions, action))

    def with_assertion(self, label: str, data: dict[str, Any]) -> Manifest:
        """Add one created assertion. Custom labels need a dot (C2PA 2.4, 6.2)."""
        if "." not in label:
            raise ConfigurationError(f"assertion label {label!r} has no namespace")
        return replace(self, assertions=(*self.assertions, (label, data)))

    def definition(self, media_type: str | None) -> dict[str, Any]:
        """The manifest definition of the C2PA library. Ingredients are added separately."""
        actions = {"allActionsIncluded": self.complete, "actions": list(self.actions)}
        document: dict[str, Any] = {
            "label": self.label,
            "claim_generator_info": [{**self.generator.to_json(), "specVersion": SPEC_VERSION}],
            "assertions": [
                {"label": label, "created": True, "data": data, **_kind(label)}
                for label, data in (("c2pa.actions.v2", actions), *self.assertions)
            ],
        }
        if media_type:
            document["format"] = media_type
        if self.title:
            document["title"] = self.title
        if self.redactions:
            document["redactions"] = list(self.redactions)
        return document


def act(
    action: Action,
    *,
    agent: Agent | None = None,
    source_type: DigitalSourceType | None = None,
    when: datetime | None = None,
    description: str | None = None,
    ingredients: Sequence[int] = (),
    parameters: dict[str, Any] | None = None,
    reason: str | None = None,
) -> dict[str, Any]:
    """One entry of `c2pa.actions.v2`; `ingredients` are indices into the manifest's."""
    document: dict[str, Any] = {"action": str(action)}
    if source_type is not None:
        document["digitalSourceType"] = str(DigitalSourceType(source_type))
    if agent is not None:
        document["softwareAgent"] = agent.to_json()
    if when is not None:
        document["when"] = when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if description:
        document["description"] = description
    if reason:
        document["reason"] = reason
    parameters = dict(parameters or {})
    if ingredients:
        parameters["ingredientIds"] = [ingredient_id(index) for index in ingredients]
    if parameters:
        document["parameters"] = parameters
    return document


def ingredient_id(index: int) -> str:
    """Name by which an action refers to the ingredient at `index`, resolved when signing."""
    return f"ingredient-{index}"


# Assertions that the specification stores as JSON; the others are CBOR.
_JSON_LABELS = frozenset({"c2pa.metadata", "cawg.metadata"})


def _kind(label: str) -> dict[str, str]:
    return {"kind": "Json"} if label in _JSON_LABELS else {}

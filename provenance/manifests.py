"""Manifests to be signed: builders for the life of a picture, clip or document.

Every builder returns a `Manifest` that follows C2PA 2.4 and the generator rubric of the
conformance program 0.2: claim v2, `c2pa.actions.v2` among the created assertions with the
inception action first, `allActionsIncluded`, `specVersion`, source types of the IPTC
vocabulary only. No prompt, seed, path or user name goes in unless it is handed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from assay.errors import ConfigurationError
from assay.provenance.claims import (
    CLAIM_GENERATOR,
    Agent,
    IngredientInput,
    Manifest,
    SoftBinding,
    act,
    new_label,
)
from assay.provenance.vocabulary import Action, DigitalSourceType, Relationship

__all__ = [
    "CLAIM_GENERATOR",
    "Agent",
    "IngredientInput",
    "Manifest",
    "SoftBinding",
    "assertion_uri",
    "captured",
    "composite",
    "converted",
    "edited",
    "generated",
    "new_label",
    "recovered",
    "redacted",
]


def generated(
    agent: Agent,
    *,
    inputs: Sequence[IngredientInput] = (),
    source_type: DigitalSourceType = DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """Made by a model from nothing but its inputs: text to image, text to video.

    Args:
        agent: the model or pipeline.
        inputs: reference pictures, control maps; their relationship must be `inputTo`.
        source_type: `trainedAlgorithmicMedia` unless the origin is another algorithm.
        when: time of creation, default now.
        label: default a new one.
        title: shown to readers; never a path.
    """
    _require(inputs, Relationship.INPUT_TO)
    action = act(
        Action.CREATED,
        agent=agent,
        source_type=source_type,
        when=when or datetime.now(UTC),
        ingredients=range(len(inputs)),
    )
    return Manifest((action,), label or new_label(), title, ingredients=tuple(inputs))


def edited(
    agent: Agent,
    parent: IngredientInput,
    *,
    action: Action = Action.EDITED,
    inputs: Sequence[IngredientInput] = (),
    source_type: DigitalSourceType = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    description: str | None = None,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """A parent opened and changed: inpainting, outpainting, upscaling, image to image.

    Use the default source type where a model changed part of the parent, and
    `trainedAlgorithmicMedia` where it made every pixel anew (image to image, variation).

    Args:
        agent: what made the change.
        parent: the picture that was opened; relationship `parentOf`.
        action: the change.
        inputs: masks, control maps, reference pictures; relationship `inputTo`.
        source_type: of the change.
        description: what was done, for readers. Keep prompts out of it.
        when: time of the change, default now.
        label: default a new one.
        title: shown to readers; never a path.
    """
    _require([parent], Relationship.PARENT_OF)
    _require(inputs, Relationship.INPUT_TO)
    change = act(
        action,
        agent=agent,
        source_type=source_type,
        when=when or datetime.now(UTC),
        description=description,
        ingredients=range(1, 1 + len(inputs)),
    )
    return Manifest((_opened(), change), label or new_label(), title, ingredients=(parent, *inputs))


def captured(
    agent: Agent,
    *,
    source_type: DigitalSourceType = DigitalSourceType.DIGITAL_CAPTURE,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """Light on a sensor, no model involved. `agent` is the camera or its software."""
    action = act(
        Action.CREATED, agent=agent, source_type=source_type, when=when or datetime.now(UTC)
    )
    return Manifest((action,), label or new_label(), title)


def composite(
    agent: Agent,
    components: Sequence[IngredientInput],
    *,
    source_type: DigitalSourceType = DigitalSourceType.COMPOSITE_WITH_TRAINED_ALGORITHMIC_MEDIA,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """Several pictures placed into a new one; each component is an ingredient.

    Args:
        agent: what composed them.
        components: the pictures; relationship `componentOf`.
        source_type: default for composites with a generated part; `composite` without one.
        when, label, title: as `generated`.
    """
    if not components:
        raise ConfigurationError("a composite needs at least one component")
    _require(components, Relationship.COMPONENT_OF)
    created = act(
        Action.CREATED, agent=agent, source_type=source_type, when=when or datetime.now(UTC)
    )
    placed = [act(Action.PLACED, ingredients=[index]) for index in range(len(components))]
    return Manifest((created, *placed), label or new_label(), title, ingredients=tuple(components))


def converted(
    agent: Agent,
    parent: IngredientInput,
    *,
    action: Action = Action.CONVERTED,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """The same content in another format, size or encoding; the chain to the parent is kept.

    Args:
        agent: what converted it.
        parent: the file that was converted; relationship `parentOf`.
        action: `CONVERTED` (format), `TRANSCODED` (codec) or `RESIZED`.
        when, label, title: as `generated`.
    """
    if action not in (Action.CONVERTED, Action.TRANSCODED, Action.RESIZED):
        raise ConfigurationError(f"{action} changes what is seen; use `edited`")
    _require([parent], Relationship.PARENT_OF)
    change = act(action, agent=agent, when=when or datetime.now(UTC))
    return Manifest((_opened(), change), label or new_label(), title, ingredients=(parent,))


def redacted(
    agent: Agent,
    parent: IngredientInput,
    assertions: Sequence[str],
    *,
    reason: str = "c2pa.PII.present",
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """The parent with statements removed from its manifest, such as a prompt.

    The bytes of the statements are gone from the result; that they were removed stays
    visible. Actions and content hashes cannot be redacted.

    Args:
        agent: what redacted.
        parent: the signed file; relationship `parentOf`.
        assertions: full URIs, `self#jumbf=/c2pa/<manifest>/c2pa.assertions/<label>`;
            `assertion_uri` makes them.
        reason: a code of C2PA 2.4, table of redaction reasons.
        when, label, title: as `generated`.
    """
    _require([parent], Relationship.PARENT_OF)
    if not assertions:
        raise ConfigurationError("name at least one assertion to redact")
    for uri in assertions:
        if "/c2pa.assertions/c2pa.actions" in uri or "/c2pa.assertions/c2pa.hash." in uri:
            raise ConfigurationError(f"{uri} cannot be redacted (C2PA 2.4, 6.8)")
    removals = [
        act(
            Action.REDACTED,
            agent=agent,
            when=when or datetime.now(UTC),
            reason=reason,
            parameters={"redacted": uri},
        )
        for uri in assertions
    ]
    return Manifest(
        (_opened(), *removals),
        label or new_label(),
        title,
        ingredients=(parent,),
        redactions=tuple(assertions),
    )


def recovered(
    agent: Agent,
    parent: IngredientInput,
    *,
    found_by: str,
    when: datetime | None = None,
    label: str | None = None,
    title: str | None = None,
) -> Manifest:
    """A copy that lost its manifest and gets it back as the parent of a new one.

    What was done to the copy in between is unknown, so the list of actions says that it is
    not complete.

    Args:
        agent: what recovered it.
        parent: `IngredientInput.recovered(store)`.
        found_by: what led back to the manifest: a soft binding algorithm.
        when, label, title: as `generated`.
    """
    _require([parent], Relationship.PARENT_OF)
    again = act(
        Action.REATTACHED,
        agent=agent,
        when=when or datetime.now(UTC),
        parameters={"org.assay.foundBy": found_by},
    )
    return Manifest(
        (_opened(), again), label or new_label(), title, ingredients=(parent,), complete=False
    )


def assertion_uri(manifest_label: str, assertion_label: str) -> str:
    """The URI by which a redaction names an assertion of another manifest."""
    return f"self#jumbf=/c2pa/{manifest_label}/c2pa.assertions/{assertion_label}"


def _opened() -> dict[str, Any]:
    """`c2pa.opened` names its parent and has no source type (conformance 0.2)."""
    return act(Action.OPENED, ingredients=[0])


def _require(ingredients: Sequence[IngredientInput], relationship: Relationship) -> None:
    for ingredient in ingredients:
        if ingredient.relationship != relationship:
            raise ConfigurationError(
                f"ingredient {ingredient.title!r} is {ingredient.relationship}, "
                f"expected {relationship}"
            )

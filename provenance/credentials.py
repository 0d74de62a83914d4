"""What a file's Content Credentials say, and how much of it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from assay.provenance.claims import SoftBinding
from assay.provenance.statuscodes import CREDENTIAL_CODES, TRUST_CODES, meaning
from assay.provenance.vocabulary import (
    CAPTURED_TYPES,
    GENERATED_TYPES,
    PARTLY_GENERATED_TYPES,
    DigitalSourceType,
    Relationship,
)

State = Literal["none", "invalid", "valid", "trusted"]
Origin = Literal["generated", "edited", "captured", "other"]


@dataclass(frozen=True)
class Problem:
    """A failure the validator found.

    Attributes:
        code: C2PA status code, unchanged.
        explanation: the validator's own words.
        uri: the part of the manifest concerned.
    """

    code: str
    explanation: str = ""
    uri: str | None = None

    @property
    def meaning(self) -> str:
        """The code in plain words."""
        return meaning(self.code)

    @property
    def breaks_integrity(self) -> bool:
        """Whether it shows that signed bytes changed (not whom to believe)."""
        return self.code not in TRUST_CODES and self.code not in CREDENTIAL_CODES


@dataclass(frozen=True)
class SignerIdentity:
    """The holder of the certificate that signed a claim."""

    common_name: str | None
    organization: str | None
    issuer: str | None
    serial_number: str | None
    algorithm: str | None
    not_before: datetime | None = None
    not_after: datetime | None = None

    def __str__(self) -> str:
        names = [name for name in (self.common_name, self.organization) if name]
        return ", ".join(dict.fromkeys(names)) or "unnamed signer"


@dataclass(frozen=True)
class ActionTaken:
    """One entry of `c2pa.actions`."""

    action: str
    source_type: DigitalSourceType | None = None
    source_type_text: str | None = None
    agent: str | None = None
    when: datetime | None = None
    description: str | None = None


@dataclass(frozen=True)
class Ingredient:
    """Something the asset was made from, with its own validation.

    Attributes:
        state: of the ingredient itself: "none" when it carries no manifest.
        problems: its own failures, which the state of the whole file does not show.
    """

    title: str | None
    relationship: Relationship | None
    manifest_label: str | None
    state: State
    problems: tuple[Problem, ...] = ()
    signer: SignerIdentity | None = None
    actions: tuple[ActionTaken, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    source_type: DigitalSourceType | None = None

    def walk(self) -> Iterator[Ingredient]:
        """This ingredient and everything below it."""
        yield self
        for ingredient in self.ingredients:
            yield from ingredient.walk()


@dataclass(frozen=True)
class Identity:
    """A CAWG identity assertion: who is named, apart from who signed."""

    name: str | None
    trusted: bool
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class Credentials:
    """The reading of one file.

    Integrity and trust are two things: `valid` means that nothing signed was changed,
    `trusted` that, besides, the signer is on the trust list named by `trust_list`.
    A trusted file can have a tampered ingredient: see `broken_ingredients`.

    Attributes:
        state: none, invalid, valid or trusted, of the file's active manifest.
        signer: who signed the active manifest.
        trust_list: name of the list that vouches for the signer.
        problems: failures of the active manifest, exact codes with plain words.
        notes: informational codes, such as revocation not checked.
        ingredients: the tree of what the file was made from.
        actions: of the active manifest, in order.
        digital_source_type: how the content came to be, followed through parents.
        claim_generator: software that made the claim.
        created: when the content was made, as claimed.
        signed_at: when it was signed, as an RFC 3161 authority certified; None without one.
        manifest_label: of the active manifest.
        manifest_labels: all manifests of the store, active first.
        soft_bindings: watermarks and fingerprints the manifest names.
        consent: training and data mining entries, name -> allowed | notAllowed | constrained.
        identities: CAWG identities, never mixed with the trust in the signer.
        remote_url: where a manifest is said to be, when the file holds none.
        manifest_bytes: the manifest store as found in the file, where it can be cut out.
        validator: name and version of the validator, so that a changed verdict is explained.
        raw: the validator's own documents, `reader` and `crjson`.
    """

    state: State
    signer: SignerIdentity | None = None
    trust_list: str | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    ingredients: tuple[Ingredient, ...] = ()
    actions: tuple[ActionTaken, ...] = ()
    digital_source_type: DigitalSourceType | None = None
    claim_generator: str | None = None
    created: datetime | None = None
    signed_at: datetime | None = None
    title: str | None = None
    manifest_label: str | None = None
    manifest_labels: tuple[str, ...] = ()
    soft_bindings: tuple[SoftBinding, ...] = ()
    consent: dict[str, str] = field(default_factory=dict)
    identities: tuple[Identity, ...] = ()
    remote_url: str | None = None
    manifest_bytes: bytes | None = field(default=None, repr=False)
    validator: str = ""
    raw: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def broken_ingredients(self) -> tuple[Ingredient, ...]:
        """Every ingredient, at any depth, whose own validation fails."""
        return tuple(
            part for top in self.ingredients for part in top.walk() if part.state == "invalid"
        )

    @property
    def watermark_payload(self) -> int | None:
        """Payload of the Assay watermark that the manifest names, if it names one."""
        for binding in self.soft_bindings:
            if binding.watermark_payload is not None:
                return binding.watermark_payload
        return None

    @property
    def origin(self) -> Origin | None:
        """How the content came to be, from the source types of its whole history.

        None when nothing is declared. A capture with a generated part is "edited"; edits
        of a generated picture leave it "generated".
        """
        return origin_of(self.actions, self.ingredients)


def origin_of(
    actions: tuple[ActionTaken, ...], ingredients: tuple[Ingredient, ...]
) -> Origin | None:
    """Origin of content made by `actions` from `ingredients`; see `Credentials.origin`."""
    declared = {action.source_type for action in actions if action.source_type}
    parents = {
        _inherited(part) for part in ingredients if part.relationship is Relationship.PARENT_OF
    }
    placed = {
        _inherited(part) for part in ingredients if part.relationship is Relationship.COMPONENT_OF
    }
    if declared & GENERATED_TYPES or "generated" in parents:
        return "generated"
    if declared & PARTLY_GENERATED_TYPES or "edited" in parents or placed & {"generated", "edited"}:
        return "edited"
    if declared & CAPTURED_TYPES or "captured" in parents:
        return "captured"
    return "other" if declared or "other" in parents else None


def _inherited(part: Ingredient) -> Origin | None:
    """What an ingredient passes on.

    Whoever opens a file in a trusted editor gets a trusted manifest around it, whatever the
    file said about itself. So that a camera took it counts only from a trusted signer; that
    a model made it counts from anyone.
    """
    origin = origin_of(part.actions, part.ingredients)
    if origin == "captured" and part.state != "trusted":
        return None
    return origin or _of_type(part.source_type)


def _of_type(source_type: DigitalSourceType | None) -> Origin | None:
    if source_type is None:
        return None
    if source_type in GENERATED_TYPES:
        return "generated"
    if source_type in PARTLY_GENERATED_TYPES:
        return "edited"
    return "captured" if source_type in CAPTURED_TYPES else "other"

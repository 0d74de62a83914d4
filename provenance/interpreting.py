"""From the validator's documents to `Credentials`.

Two documents of the same reading are combined: the reader's JSON has the overall state and
the ingredients in one shape for all versions; crJSON has assertion data exactly (the
reader's JSON turns arrays of integers into text) and the signer's certificate.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from assay.provenance import trust
from assay.provenance.claims import SoftBinding
from assay.provenance.credentials import (
    ActionTaken,
    Credentials,
    Identity,
    Ingredient,
    Problem,
    SignerIdentity,
    State,
)
from assay.provenance.statuscodes import TRUST_CODES
from assay.provenance.vocabulary import DigitalSourceType, Relationship, find_source_type

_TRUST_ANCHOR = re.compile(r"found in \[(.+?)\] trust anchors")
_MAX_DEPTH = 64


def interpret(
    documents: dict[str, Any],
    store: bytes | None,
    lists: tuple[trust.TrustList, ...],
    validator: str,
) -> Credentials:
    """Credentials from one reading's documents `reader` and `crjson`."""
    reader, exact = documents["reader"], _Exact(documents["crjson"])
    label = str(reader.get("active_manifest") or "")
    manifest = reader.get("manifests", {}).get(label, {})
    results = reader.get("validation_results") or {}
    active = results.get("activeManifest") or {}
    success, failure = active.get("success", []), active.get("failure", [])
    failure = failure + _loose_failures(reader, failure)
    actions = exact.actions(label)
    ingredients = _Tree(reader, exact).ingredients_of(label)
    created = next((action.when for action in actions if action.when), None)
    return Credentials(
        state=_state(reader.get("validation_state"), success, failure),
        signer=exact.signer(label),
        trust_list=_trust_list(success, lists),
        problems=_problems(failure),
        notes=_problems(active.get("informational", [])),
        ingredients=ingredients,
        actions=actions,
        digital_source_type=_source_type(actions, ingredients),
        claim_generator=exact.claim_generator(label),
        created=created,
        signed_at=_time((manifest.get("signature_info") or {}).get("time")),
        title=manifest.get("title"),
        manifest_label=label or None,
        manifest_labels=tuple(dict.fromkeys([label, *reader.get("manifests", {})])),
        soft_bindings=exact.soft_bindings(label),
        consent=exact.consent(label),
        identities=exact.identities(label, success, failure),
        manifest_bytes=store,
        validator=validator,
        raw=documents,
    )


def _state(reported: str | None, success: list[Any], failure: list[Any]) -> State:
    """The library's state, except that an untrusted CAWG identity does not lower it."""
    if reported == "Trusted":
        return "trusted"
    if reported != "Valid":
        return "invalid"
    only_identity = all(entry["code"].startswith("cawg.") for entry in failure)
    vouched = any(entry["code"] == "signingCredential.trusted" for entry in success)
    return "trusted" if only_identity and vouched else "valid"


def _loose_failures(reader: dict[str, Any], known: list[Any]) -> list[Any]:
    """Failures that only the older, flat list of an old manifest carries."""
    if reader.get("validation_results"):
        return []
    return [entry for entry in reader.get("validation_status", []) if entry not in known]


def _problems(entries: list[dict[str, Any]]) -> tuple[Problem, ...]:
    problems = [
        Problem(str(entry.get("code")), str(entry.get("explanation") or ""), entry.get("url"))
        for entry in entries
    ]
    return tuple(dict.fromkeys(problems))


def _trust_list(success: list[dict[str, Any]], lists: tuple[trust.TrustList, ...]) -> str | None:
    """The list that vouches for the signer, from the explanation of its own success entry.

    The document's `trustListUri` is not used: with overlapping roots it can name the list
    that vouched for the time stamp.
    """
    for entry in success:
        if entry.get("code") == "signingCredential.trusted":
            found = _TRUST_ANCHOR.search(entry.get("explanation") or "")
            if found:
                return trust.name_of(found.group(1), lists)
    return None


def _source_type(
    actions: tuple[ActionTaken, ...], ingredients: tuple[Ingredient, ...]
) -> DigitalSourceType | None:
    """Of the creation; else of the first declared change; else of the parent."""
    declared = [action.source_type for action in actions if action.source_type]
    if declared:
        return declared[0]
    for part in ingredients:
        if part.relationship is Relationship.PARENT_OF:
            return part.source_type or _source_type(part.actions, part.ingredients)
    return None


def _time(text: object) -> datetime | None:
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _dict(value: object) -> dict[str, Any]:
    """The value where it is an object; assertion data have the shape their signer liked."""
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _agent_name(agent: object) -> str | None:
    """Software as written by claim v1 (text) or v2 (name and version)."""
    if isinstance(agent, str):
        return agent or None
    if isinstance(agent, list):
        return _agent_name(agent[0]) if agent else None
    if isinstance(agent, dict):
        parts = [_text(agent.get("name")), _text(agent.get("version"))]
        return " ".join(part for part in parts if part) or None
    return None


class _Exact:
    """Assertion data of every manifest, from crJSON."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._manifests = {entry.get("label"): entry for entry in document.get("manifests", [])}

    def assertions(self, label: str | None, name: str) -> list[dict[str, Any]]:
        """Data of every assertion of a kind: `name`, `name.v2`, `name__1`, ..."""
        found = (self._manifests.get(label) or {}).get("assertions") or {}
        return [
            data
            for key, data in found.items()
            if re.fullmatch(re.escape(name) + r"(\.v\d+)?(__\d+)?", key) and isinstance(data, dict)
        ]

    def validation(self, label: str | None) -> dict[str, Any]:
        return (self._manifests.get(label) or {}).get("validationResults") or {}

    def actions(self, label: str | None) -> tuple[ActionTaken, ...]:
        return tuple(
            ActionTaken(
                action=str(entry.get("action")),
                source_type=find_source_type(entry.get("digitalSourceType")),
                source_type_text=_text(entry.get("digitalSourceType")),
                agent=_agent_name(entry.get("softwareAgent")),
                when=_time(entry.get("when")),
                description=_text(entry.get("description")),
            )
            for data in self.assertions(label, "c2pa.actions")
            for entry in _dicts(data.get("actions"))
        )

    def signer(self, label: str | None) -> SignerIdentity | None:
        signature = (self._manifests.get(label) or {}).get("signature") or {}
        holder = signature.get("certificateInfo")
        if not holder:
            return None
        subject, issuer = holder.get("subject") or {}, holder.get("issuer") or {}
        validity = holder.get("validity") or {}
        return SignerIdentity(
            common_name=_text(subject.get("CN")),
            organization=_text(subject.get("O")),
            issuer=_text(issuer.get("CN")) or _text(issuer.get("O")),
            serial_number=_text(holder.get("serialNumber")),
            algorithm=_text(signature.get("algorithm")),
            not_before=_time(validity.get("notBefore")),
            not_after=_time(validity.get("notAfter")),
        )

    def claim_generator(self, label: str | None) -> str | None:
        entry = self._manifests.get(label) or {}
        claim = _dict(entry.get("claim.v2") or entry.get("claim"))
        return _agent_name(claim.get("claim_generator_info")) or _text(claim.get("claim_generator"))

    def soft_bindings(self, label: str | None) -> tuple[SoftBinding, ...]:
        return tuple(
            SoftBinding(data["alg"], value)
            for data in self.assertions(label, "c2pa.soft-binding")
            if isinstance(data.get("alg"), str) and SoftBinding.is_algorithm(data["alg"])
            for block in _dicts(data.get("blocks"))
            if (value := binding_text(block.get("value"))) is not None
        )

    def consent(self, label: str | None) -> dict[str, str]:
        return {
            str(name): str(entry.get("use"))
            for kind in ("c2pa.training-mining", "cawg.training-mining")
            for data in self.assertions(label, kind)
            for name, entry in _dict(data.get("entries")).items()
            if isinstance(entry, dict)
        }

    def identities(
        self, label: str | None, success: list[Any], failure: list[Any]
    ) -> tuple[Identity, ...]:
        present = self.assertions(label, "cawg.identity")
        trusted = any(
            entry["code"].startswith("cawg.") and entry["code"].endswith(".trusted")
            for entry in success
        )
        problems = _problems([e for e in failure if e["code"].startswith("cawg.")])
        return tuple(Identity(_identity_name(data), trusted, problems) for data in present)


def _identity_name(data: dict[str, Any]) -> str | None:
    """The holder of an X.509 identity credential (CAWG identity assertion 1.2, 8.2)."""
    subject = _dict(_dict(_dict(data.get("signature")).get("certificateInfo")).get("subject"))
    return _text(subject.get("CN")) or _text(subject.get("O"))


def binding_text(value: object) -> str | None:
    """A soft binding value as text, from text, a byte string or an array of bytes."""
    if isinstance(value, str):
        if value.startswith("b64'") and value.endswith("'"):
            return _decode_bytes(value[4:-1])
        return value
    if isinstance(value, list) and all(isinstance(n, int) and 0 <= n < 256 for n in value):
        return bytes(value).decode("latin-1")
    return None


def _decode_bytes(encoded: str) -> str | None:
    import base64
    import binascii

    try:
        return base64.b64decode(encoded, validate=True).decode("latin-1")
    except binascii.Error:
        return None


class _Tree:
    """The ingredients below a manifest, each with the failures recorded or found for it."""

    def __init__(self, reader: dict[str, Any], exact: _Exact) -> None:
        self._manifests: dict[str, Any] = reader.get("manifests", {})
        self._exact = exact
        deltas = (reader.get("validation_results") or {}).get("ingredientDeltas") or []
        self._deltas = {
            entry.get("ingredientAssertionURI"): entry.get("validationDeltas") or {}
            for entry in deltas
        }

    def ingredients_of(
        self, label: str | None, above: tuple[str, ...] = ()
    ) -> tuple[Ingredient, ...]:
        if label is None or label in above or len(above) >= _MAX_DEPTH:
            return ()
        entries = (self._manifests.get(label) or {}).get("ingredients") or []
        return tuple(self._ingredient(entry, label, above) for entry in entries)

    def _ingredient(self, entry: dict[str, Any], owner: str, above: tuple[str, ...]) -> Ingredient:
        label = entry.get("active_manifest")
        recorded = (entry.get("validation_results") or {}).get("activeManifest") or {}
        uri = f"self#jumbf=/c2pa/{owner}/c2pa.assertions/{entry.get('label')}"
        problems = _problems(
            recorded.get("failure", [])
            + _old_failures(entry)
            + self._deltas.get(uri, {}).get("failure", [])
            + self._exact.validation(label).get("failure", [])
        )
        return Ingredient(
            title=_text(entry.get("title")),
            relationship=_relationship(entry.get("relationship")),
            manifest_label=label,
            state=_ingredient_state(label, problems, recorded.get("success", [])),
            problems=problems,
            signer=self._exact.signer(label),
            actions=self._exact.actions(label),
            ingredients=self.ingredients_of(label, (*above, owner)),
            source_type=find_source_type(entry.get("digitalSourceType")),
        )


def _old_failures(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Failures of an ingredient assertion of version 1 or 2."""
    if entry.get("validation_results"):
        return []
    return [status for status in entry.get("validation_status") or [] if not status.get("success")]


def _ingredient_state(
    label: str | None, problems: tuple[Problem, ...], success: list[dict[str, Any]]
) -> State:
    if any(problem.code not in TRUST_CODES for problem in problems):
        return "invalid"
    if label is None:
        return "none"
    trusted = any(entry.get("code") == "signingCredential.trusted" for entry in success)
    return "trusted" if trusted and not problems else "valid"


def _relationship(text: object) -> Relationship | None:
    try:
        return Relationship(str(text))
    except ValueError:
        return None

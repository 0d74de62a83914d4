"""Assertion data of every manifest, from crJSON.

The reader's own JSON turns arrays of integers into text and leaves out the signer's
certificate; crJSON has both exactly.
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any

from assay.provenance.claims import SoftBinding
from assay.provenance.credentials import ActionTaken, Identity, Problem, SignerIdentity
from assay.provenance.vocabulary import find_source_type


class CrJson:
    """The manifests of one crJSON document, by label."""

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
        """What validating a manifest found, as the document has it."""
        return (self._manifests.get(label) or {}).get("validationResults") or {}

    def actions(self, label: str | None) -> tuple[ActionTaken, ...]:
        """What a manifest says was done, in its order."""
        return tuple(
            ActionTaken(
                action=str(entry.get("action")),
                source_type=find_source_type(entry.get("digitalSourceType")),
                source_type_text=text_of(entry.get("digitalSourceType")),
                agent=_agent_name(entry.get("softwareAgent")),
                when=time_of(entry.get("when")),
                description=text_of(entry.get("description")),
            )
            for data in self.assertions(label, "c2pa.actions")
            for entry in _dicts(data.get("actions"))
        )

    def signer(self, label: str | None) -> SignerIdentity | None:
        """The holder of the certificate that a manifest was signed with."""
        signature = (self._manifests.get(label) or {}).get("signature") or {}
        holder = signature.get("certificateInfo")
        if not holder:
            return None
        subject, issuer = holder.get("subject") or {}, holder.get("issuer") or {}
        validity = holder.get("validity") or {}
        return SignerIdentity(
            common_name=text_of(subject.get("CN")),
            organization=text_of(subject.get("O")),
            issuer=text_of(issuer.get("CN")) or text_of(issuer.get("O")),
            serial_number=text_of(holder.get("serialNumber")),
            algorithm=text_of(signature.get("algorithm")),
            not_before=time_of(validity.get("notBefore")),
            not_after=time_of(validity.get("notAfter")),
        )

    def claim_generator(self, label: str | None) -> str | None:
        """The software that made the claim."""
        entry = self._manifests.get(label) or {}
        claim = _dict(entry.get("claim.v2") or entry.get("claim"))
        return _agent_name(claim.get("claim_generator_info")) or text_of(
            claim.get("claim_generator")
        )

    def soft_bindings(self, label: str | None) -> tuple[SoftBinding, ...]:
        """Watermarks and fingerprints that a manifest names."""
        return tuple(
            SoftBinding(data["alg"], value)
            for data in self.assertions(label, "c2pa.soft-binding")
            if isinstance(data.get("alg"), str) and SoftBinding.is_algorithm(data["alg"])
            for block in _dicts(data.get("blocks"))
            if (value := binding_text(block.get("value"))) is not None
        )

    def consent(self, label: str | None) -> dict[str, str]:
        """Whether the rights holder allows each kind of training and mining."""
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
        """Persons and organisations who vouch for a manifest (CAWG identity assertions)."""
        present = self.assertions(label, "cawg.identity")
        trusted = any(
            entry["code"].startswith("cawg.") and entry["code"].endswith(".trusted")
            for entry in success
        )
        problems = problems_of([e for e in failure if e["code"].startswith("cawg.")])
        return tuple(Identity(_identity_name(data), trusted, problems) for data in present)


def problems_of(entries: list[dict[str, Any]]) -> tuple[Problem, ...]:
    """Status entries of a validator as problems, each once."""
    problems = [
        Problem(str(entry.get("code")), str(entry.get("explanation") or ""), entry.get("url"))
        for entry in entries
    ]
    return tuple(dict.fromkeys(problems))


def _identity_name(data: dict[str, Any]) -> str | None:
    """The holder of an X.509 identity credential (CAWG identity assertion 1.2, 8.2)."""
    subject = _dict(_dict(_dict(data.get("signature")).get("certificateInfo")).get("subject"))
    return text_of(subject.get("CN")) or text_of(subject.get("O"))


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
    try:
        return base64.b64decode(encoded, validate=True).decode("latin-1")
    except binascii.Error:
        return None


def time_of(text: object) -> datetime | None:
    """An ISO 8601 time, taken as UTC where it names no zone; None where it is none."""
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


def text_of(value: object) -> str | None:
    """The value where it is a text that is not empty."""
    return value if isinstance(value, str) and value else None


def _agent_name(agent: object) -> str | None:
    """Software as written by claim v1 (text) or v2 (name and version)."""
    if isinstance(agent, str):
        return agent or None
    if isinstance(agent, list):
        return _agent_name(agent[0]) if agent else None
    if isinstance(agent, dict):
        parts = [text_of(agent.get("name")), text_of(agent.get("version"))]
        return " ".join(part for part in parts if part) or None
    return None

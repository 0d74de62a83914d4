"""From the validator's documents to `Credentials`.

Two documents of the same reading are combined: the reader's JSON has the overall state and
the ingredients in one shape for all versions; crJSON has assertion data exactly (the
reader's JSON turns arrays of integers into text) and the signer's certificate.
"""

from __future__ import annotations

import re
from typing import Any

from assay.provenance import trust
from assay.provenance.credentials import ActionTaken, Credentials, Ingredient, State
from assay.provenance.crjson import CrJson, problems_of, time_of
from assay.provenance.ingredient_tree import IngredientTree
from assay.provenance.vocabulary import DigitalSourceType, Relationship

_TRUST_ANCHOR = re.compile(r"found in \[(.+?)\] trust anchors")


def interpret(
    documents: dict[str, Any],
    store: bytes | None,
    lists: tuple[trust.TrustList, ...],
    validator: str,
) -> Credentials:
    """Credentials from one reading's documents `reader` and `crjson`."""
    reader, exact = documents["reader"], CrJson(documents["crjson"])
    label = str(reader.get("active_manifest") or "")
    manifest = reader.get("manifests", {}).get(label, {})
    results = reader.get("validation_results") or {}
    active = results.get("activeManifest") or {}
    success, failure = active.get("success", []), active.get("failure", [])
    failure = failure + _loose_failures(reader, failure)
    actions = exact.actions(label)
    ingredients = IngredientTree(reader, exact).ingredients_of(label)
    created = next((action.when for action in actions if action.when), None)
    return Credentials(
        state=_state(reader.get("validation_state"), success, failure),
        signer=exact.signer(label),
        trust_list=_trust_list(success, lists),
        problems=problems_of(failure),
        notes=problems_of(active.get("informational", [])),
        ingredients=ingredients,
        actions=actions,
        digital_source_type=_source_type(actions, ingredients),
        claim_generator=exact.claim_generator(label),
        created=created,
        signed_at=time_of((manifest.get("signature_info") or {}).get("time")),
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

"""The ingredients below a manifest, to any depth, from the reader's JSON."""

from __future__ import annotations

from typing import Any

from assay.provenance.credentials import Ingredient, Problem, State
from assay.provenance.crjson import CrJson, problems_of, text_of
from assay.provenance.statuscodes import TRUST_CODES
from assay.provenance.vocabulary import Relationship, find_source_type

_MAX_DEPTH = 64


class IngredientTree:
    """The ingredients below a manifest, each with the failures recorded or found for it."""

    def __init__(self, reader: dict[str, Any], exact: CrJson) -> None:
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
        problems = problems_of(
            recorded.get("failure", [])
            + _old_failures(entry)
            + self._deltas.get(uri, {}).get("failure", [])
            + self._exact.validation(label).get("failure", [])
        )
        return Ingredient(
            title=text_of(entry.get("title")),
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

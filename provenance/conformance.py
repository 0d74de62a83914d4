"""The public rubric for generators, checked on every kind of file we sign.

The rules that concern what Assay can write, 27 of 31, after "C2PA Asset Conformance 0.2 Spec
2.4 Rubric", version 1.0 of 2026-08-06 (C2PA Conformance Task Force, CC BY 4.0). Identifiers
are the rubric's, without its `validation:` prefix. Input is a crJSON document as the
validator writes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from assay.provenance.conformance_words import (
    ALLOWED_ACTIONS,
    ALLOWED_ASSERTIONS,
    DEPRECATED_ACTIONS,
    DEPRECATED_ASSERTIONS,
    INCEPTION,
    NON_EDITORIAL,
    RELATIONSHIPS,
    STANDARD_PARAMETERS,
)

_EXPECTED_SPEC = "2.4"


@dataclass(frozen=True)
class Check:
    """One rule of the rubric and what broke it.

    Attributes:
        id: the rubric's identifier.
        passed: whether the rule holds.
        found: the offending labels, actions or values.
    """

    id: str
    passed: bool
    found: tuple[str, ...] = ()


@dataclass(frozen=True)
class _View:
    """The active manifest of a crJSON document."""

    manifest: dict[str, Any]

    @property
    def assertions(self) -> dict[str, Any]:
        return self.manifest.get("assertions") or {}

    @property
    def values(self) -> list[dict[str, Any]]:
        return [value for value in self.assertions.values() if isinstance(value, dict)]

    @property
    def action_lists(self) -> list[dict[str, Any]]:
        return [value for value in self.values if value.get("actions") is not None]

    @property
    def actions(self) -> list[dict[str, Any]]:
        return [action for value in self.action_lists for action in value["actions"]]

    @property
    def ingredients(self) -> list[dict[str, Any]]:
        return [value for value in self.values if value.get("relationship") is not None]

    @property
    def claim(self) -> dict[str, Any]:
        return self.manifest.get("claim.v2") or {}

    @property
    def spec_version(self) -> Any:
        info = self.claim.get("claim_generator_info") or {}
        return (info[0] if isinstance(info, list) else info).get("specVersion")

    @property
    def parameters(self) -> list[dict[str, Any]]:
        return [action["parameters"] for action in self.actions if action.get("parameters")]

    def failures(self) -> list[str]:
        results = self.manifest.get("validationResults") or {}
        return [str(entry.get("code")) for entry in results.get("failure", [])]


def check(crjson: dict[str, Any]) -> tuple[Check, ...]:
    """Every rule, applied to the active manifest.

    Args:
        crjson: a document as `Credentials.raw["crjson"]` holds it.
    """
    manifests = crjson.get("manifests") or [{}]
    view = _View(manifests[0])
    checks = []
    for identifier, rule in _RULES.items():
        found = tuple(str(item) for item in rule(view))
        checks.append(Check(identifier, not found, found))
    return tuple(checks)


def failed(crjson: dict[str, Any]) -> tuple[Check, ...]:
    """The rules that do not hold."""
    return tuple(result for result in check(crjson) if not result.passed)


def _needs_source_type(view: _View) -> Iterable[str]:
    exempt = INCEPTION | NON_EDITORIAL | {"c2pa.placed"}
    return [
        action["action"]
        for action in view.actions
        if action["action"].startswith("c2pa.")
        and action["action"] not in exempt
        and not action.get("digitalSourceType")
    ]


def _first_action(view: _View) -> Iterable[str]:
    """The first actions assertion is created, is v2, and starts with an inception action."""
    urls = [entry.get("url", "") for entry in view.claim.get("created_assertions") or []]
    first = next((url for url in urls if "c2pa.actions" in url), "")
    if not first.endswith("c2pa.actions.v2"):
        return [first or "no created actions assertion"]
    created = any(action["action"] == "c2pa.created" for action in view.actions)
    if created and view.actions[0]["action"] not in INCEPTION:
        return [view.actions[0]["action"]]
    return []


def _opened_references(view: _View) -> Iterable[str]:
    return [
        "c2pa.opened"
        for action in view.actions
        if action["action"] == "c2pa.opened"
        and len((action.get("parameters") or {}).get("ingredients") or []) != 1
    ]


def _opened_alone(view: _View) -> Iterable[str]:
    alone = len(view.actions) == 1 and view.actions[0]["action"] == "c2pa.opened"
    complete = all(value.get("allActionsIncluded") is True for value in view.action_lists)
    return ["c2pa.opened"] if alone and not complete else []


def _base(label: str) -> str:
    return label.split("__")[0]


_RULES: dict[str, Callable[[_View], Iterable[str]]] = {
    "mandatory_dst_for_perceptible_transformations": _needs_source_type,
    "mandatory_spec_version": lambda view: (
        [] if str(view.spec_version).startswith(_EXPECTED_SPEC) else [f"{view.spec_version}"]
    ),
    "mandatory_all_actions_included": lambda view: [
        "c2pa.actions" for value in view.action_lists if value.get("allActionsIncluded") is None
    ],
    "no_dst_for_opened_action": lambda view: [
        action["digitalSourceType"]
        for action in view.actions
        if action["action"] == "c2pa.opened" and action.get("digitalSourceType")
    ],
    "well_formed_data_present": lambda view: (
        [] if view.manifest.get("validationResults") else ["no validation results"]
    ),
    "well_formed_success": lambda view: [
        code
        for code in view.failures()
        if code.endswith((".malformed", ".invalid", ".missing", ".multiple", ".wrongParents"))
        and not code.startswith("signingCredential.")
    ],
    "valid_success": lambda view: [
        code for code in view.failures() if code.endswith(("ismatch", ".redacted"))
    ],
    "inception_action_position": _first_action,
    "no_deprecated_assertions": lambda view: [
        label
        for label in view.assertions
        if label.startswith("stds.") or label in DEPRECATED_ASSERTIONS
    ],
    "no_unsupported_assertions": lambda view: [
        label
        for label in view.assertions
        if label.startswith("c2pa.")
        and _base(label) not in ALLOWED_ASSERTIONS | DEPRECATED_ASSERTIONS
    ],
    "no_deprecated_actions": lambda view: [
        action["action"] for action in view.actions if action["action"] in DEPRECATED_ACTIONS
    ],
    "no_unsupported_actions": lambda view: [
        action["action"]
        for action in view.actions
        if action["action"].startswith("c2pa.") and action["action"] not in ALLOWED_ACTIONS
    ],
    "no_unrecognized_custom_assertions": lambda view: [
        label for label in view.assertions if "." not in label
    ],
    "no_unrecognized_custom_actions": lambda view: [
        action["action"] for action in view.actions if "." not in action["action"]
    ],
    "no_unrecognized_custom_action_parameters": lambda view: [
        name
        for parameters in view.parameters
        for name in parameters
        if name not in STANDARD_PARAMETERS and "." not in name
    ],
    "discouraged_legacy_action_parameters": lambda view: [
        name
        for parameters in view.parameters
        for name in ("description", "ingredient")
        if parameters.get(name) is not None
    ],
    "active_manifest_urn": lambda view: (
        []
        if str(view.manifest.get("label")).startswith("urn:c2pa:")
        else [f"{view.manifest.get('label')}"]
    ),
    "ingredient_v3_no_active_manifest": lambda view: [
        "validationResults"
        for part in view.ingredients
        if part.get("activeManifest") is None and part.get("validationResults") is not None
    ],
    "ingredient_v3_mandatory_validation_results": lambda view: [
        "activeManifest"
        for part in view.ingredients
        if part.get("activeManifest") is not None and part.get("validationResults") is None
    ],
    "ingredient_relationship_values": lambda view: [
        part["relationship"]
        for part in view.ingredients
        if part["relationship"] not in RELATIONSHIPS
    ],
    "mandatory_dst_for_created_action": lambda view: [
        "c2pa.created"
        for action in view.actions
        if action["action"] == "c2pa.created" and not action.get("digitalSourceType")
    ],
    "no_deprecated_claim_fields": lambda view: (
        ["specVersion"] if "specVersion" in view.claim else []
    ),
    "ingredient_v3_choice": lambda view: [
        "digitalSourceType"
        for part in view.ingredients
        if part.get("activeManifest") is not None and part.get("digitalSourceType") is not None
    ],
    "no_url_in_hashes": lambda view: [
        label
        for label in ("c2pa.hash.data", "c2pa.hash.bmff.v3")
        if (view.assertions.get(label) or {}).get("url")
    ],
    "all_actions_included_opened": _opened_alone,
    "opened_action_ingredient_reference": _opened_references,
    "no_box_hash_for_tiff": lambda view: [
        "c2pa.hash.boxes"
        for kind in [(view.assertions.get("c2pa.asset-type.v2") or {}).get("dc:format")]
        if "c2pa.hash.boxes" in view.assertions and kind in ("image/tiff", "image/x-adobe-dng")
    ],
}

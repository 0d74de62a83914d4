"""From documents of a validator to credentials, whatever a writer put in them."""

from __future__ import annotations

import json
import re

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.provenance.credentials import Problem
from assay.provenance.crjson import binding_text
from assay.provenance.examiner import describe
from assay.provenance.interpreting import interpret

WORDS = st.sampled_from(
    [
        "actions",
        "action",
        "alg",
        "blocks",
        "value",
        "entries",
        "use",
        "digitalSourceType",
        "softwareAgent",
        "when",
        "name",
        "version",
        "signature",
        "certificateInfo",
        "subject",
        "claim_generator_info",
    ]
)
LABELS = st.sampled_from(
    [
        "c2pa.actions",
        "c2pa.actions.v2",
        "c2pa.soft-binding",
        "c2pa.training-mining",
        "cawg.training-mining",
        "cawg.identity",
        "c2pa.ingredient.v3",
    ]
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2*0110", "2*0110"),
        ([50, 42, 48], "2*0"),
        ("b64'MiowMTEw'", "2*0110"),
        ("b64'!'", None),
        ({"a": 1}, None),
        ([256], None),
    ],
)
def test_soft_binding_values_of_every_writer(value: object, expected: str | None) -> None:
    assert binding_text(value) == expected


def test_problems_have_plain_words() -> None:
    assert Problem("assertion.dataHash.mismatch").meaning == "the content was changed after signing"
    assert Problem("some.new.code").meaning == "the validator reports some.new.code"
    assert re.match("something that was signed", Problem("x.mismatch").meaning)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)


@hypothesis.settings(max_examples=300, deadline=None)
@given(st.dictionaries(LABELS, JSON, max_size=4), JSON)
def test_assertions_of_any_shape_are_read_without_an_error(
    assertions: dict[str, object], claim: object
) -> None:
    """A signature says who wrote an assertion, not that it has the shape it should have."""
    reader = {
        "active_manifest": "urn:c2pa:x",
        "manifests": {"urn:c2pa:x": {}},
        "validation_state": "Valid",
        "validation_results": {"activeManifest": {"success": [], "failure": []}},
    }
    manifest = {"label": "urn:c2pa:x", "assertions": assertions, "claim.v2": claim}
    documents = {"reader": reader, "crjson": {"manifests": [manifest]}}
    credentials = interpret(documents, None, (), "v")
    assert json.loads(json.dumps(describe(credentials)))["state"] == "valid"

"""Each builder, signed and read back, and held against the public conformance rubric."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable

import pytest
from PIL import Image

from assay.errors import ConfigurationError
from assay.media import Media
from assay.provenance import conformance, manifests
from assay.provenance.claims import Agent, IngredientInput, Manifest, SoftBinding
from assay.provenance.prompting import (
    PROMPT_LABEL,
    PromptPolicy,
    commitment,
    is_commitment_to,
    with_prompt,
)
from assay.provenance.reading import read
from assay.provenance.signing import sign_bytes
from assay.provenance.statements import Purpose, Use, with_consent, with_metadata
from assay.provenance.vocabulary import Action, DigitalSourceType, Relationship

from .conftest import generated

AGENT = Agent("model", "1")


def ingredient(data: bytes, relationship: Relationship) -> IngredientInput:
    return IngredientInput(data, "image/jpeg", relationship)


PARENT, COMPONENT, INPUT = Relationship
BUILDERS: dict[str, Callable[[bytes], Manifest]] = {
    "generated": lambda _: generated(),
    "generated from a reference": lambda base: generated(inputs=[ingredient(base, PARENT_INPUT)]),
    "captured": lambda _: manifests.captured(AGENT),
    "edited": lambda base: manifests.edited(AGENT, ingredient(base, PARENT)),
    "inpainted": lambda base: manifests.edited(
        AGENT, ingredient(base, PARENT), inputs=[ingredient(base, PARENT_INPUT)], description="sky"
    ),
    "cropped": lambda base: manifests.edited(
        AGENT,
        ingredient(base, PARENT),
        action=Action.CROPPED,
        source_type=DigitalSourceType.HUMAN_EDITS,
    ),
    "composite": lambda base: manifests.composite(AGENT, [ingredient(base, COMPONENT)] * 2),
    "converted": lambda base: manifests.converted(AGENT, ingredient(base, PARENT)),
    "with everything": lambda _: with_metadata(
        with_consent(
            with_prompt(generated(), "a cat", PromptPolicy.FULL, seed=7),
            {Purpose.AI_TRAINING: Use.NOT_ALLOWED},
        ),
        {"dc:title": "cat"},
    ).with_soft_binding(SoftBinding.watermark(1)),
}
PARENT_INPUT = INPUT


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("signed_base", [True, False])
def test_every_builder_passes_the_public_rubric(
    name: str, signed_base: bool, signed: bytes, photo: bytes
) -> None:
    manifest = BUILDERS[name](signed if signed_base else photo)
    credentials = read(sign_bytes(Media.from_bytes(photo), manifest))
    assert credentials.state == "trusted"
    assert conformance.failed(credentials.raw["crjson"]) == ()


def test_the_rubric_catches_a_plain_manifest(signed: bytes) -> None:
    document = read(signed).raw["crjson"]
    broken = copy.deepcopy(document)
    manifest = broken["manifests"][0]
    actions = manifest["assertions"].pop("c2pa.actions.v2")
    del actions["allActionsIncluded"]
    del actions["actions"][0]["digitalSourceType"]
    actions["actions"].append({"action": "c2pa.saved"})
    actions["actions"].append({"action": "c2pa.opened", "digitalSourceType": "x"})
    manifest["assertions"]["c2pa.actions"] = actions
    manifest["assertions"]["stds.exif"] = {}
    manifest["assertions"]["c2pa.training-mining"] = {}
    manifest["assertions"]["nodot"] = {}
    del manifest["claim.v2"]["claim_generator_info"]["specVersion"]
    manifest["claim.v2"]["created_assertions"] = []
    manifest["label"] = "urn:uuid:1"
    assert {result.id for result in conformance.failed(broken)} == {
        "mandatory_dst_for_perceptible_transformations",
        "mandatory_spec_version",
        "mandatory_all_actions_included",
        "no_dst_for_opened_action",
        "inception_action_position",
        "no_deprecated_assertions",
        "no_unsupported_assertions",
        "no_deprecated_actions",
        "no_unsupported_actions",
        "no_unrecognized_custom_assertions",
        "active_manifest_urn",
        "mandatory_dst_for_created_action",
        "opened_action_ingredient_reference",
    }


def test_conversion_keeps_the_chain_across_formats(signed: bytes, photo: bytes) -> None:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(photo)).save(buffer, "PNG")
    manifest = manifests.converted(AGENT, ingredient(signed, PARENT))
    credentials = read(sign_bytes(Media.from_bytes(buffer.getvalue()), manifest))
    assert credentials.ingredients[0].manifest_label == read(signed).manifest_label
    assert credentials.origin == "generated"
    assert credentials.digital_source_type is DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA


def test_conversion_is_not_for_visible_changes(photo: bytes) -> None:
    with pytest.raises(ConfigurationError, match="changes what is seen"):
        manifests.converted(AGENT, ingredient(photo, PARENT), action=Action.CROPPED)


def test_a_composite_of_a_capture_and_a_generated_picture(signed: bytes, photo: bytes) -> None:
    capture = sign_bytes(Media.from_bytes(photo), manifests.captured(AGENT))
    parts = [ingredient(signed, COMPONENT), ingredient(capture, COMPONENT)]
    credentials = read(sign_bytes(Media.from_bytes(photo), manifests.composite(AGENT, parts)))
    assert credentials.origin == "edited"
    assert [action.action for action in credentials.actions] == [
        "c2pa.created",
        "c2pa.placed",
        "c2pa.placed",
    ]
    with pytest.raises(ConfigurationError, match="at least one"):
        manifests.composite(AGENT, [])


def test_redaction_removes_the_bytes_and_says_so(home: object, photo: bytes) -> None:
    secret = "a portrait of somebody in Sometown"
    with_secret = with_prompt(generated(), secret, PromptPolicy.FULL)
    first = sign_bytes(Media.from_bytes(photo), with_secret)
    assert secret.encode() in first
    uri = manifests.assertion_uri(with_secret.label, PROMPT_LABEL)
    manifest = manifests.redacted(AGENT, ingredient(first, PARENT), [uri])
    cleaned = sign_bytes(Media.from_bytes(photo), manifest)
    assert secret.encode() not in cleaned
    credentials = read(cleaned)
    assert credentials.state == "trusted"
    assert credentials.broken_ingredients == ()
    assert [action.action for action in credentials.actions] == ["c2pa.opened", "c2pa.redacted"]
    assert conformance.failed(credentials.raw["crjson"]) == ()


@pytest.mark.parametrize("label", ["c2pa.actions.v2", "c2pa.hash.data"])
def test_what_may_not_be_redacted(label: str, signed: bytes) -> None:
    uri = manifests.assertion_uri("urn:c2pa:x", label)
    with pytest.raises(ConfigurationError, match="cannot be redacted"):
        manifests.redacted(AGENT, ingredient(signed, PARENT), [uri])


def test_prompts_stay_out_by_default(home: object, photo: bytes) -> None:
    signed = sign_bytes(Media.from_bytes(photo), with_prompt(generated(), "my secret prompt"))
    assert b"secret prompt" not in signed
    assert PROMPT_LABEL not in str(read(signed).raw)


def test_a_committed_prompt_can_be_proved_but_not_linked(home: object, photo: bytes) -> None:
    manifest = with_prompt(generated(), "a cat", PromptPolicy.COMMIT, seed=3)
    signed = sign_bytes(Media.from_bytes(photo), manifest)
    assert b"a cat" not in signed
    found = read(signed).raw["crjson"]["manifests"][0]["assertions"][PROMPT_LABEL]["commitment"]
    assert is_commitment_to(found, manifest.label, "a cat", seed=3)
    assert not is_commitment_to(found, manifest.label, "a dog", seed=3)
    assert not is_commitment_to(found, manifests.new_label(), "a cat", seed=3)


def test_commitments_do_not_confuse_their_parts() -> None:
    key = bytes(32)
    label = "urn:c2pa:x"
    assert commitment(label, "ab", "c", key=key) != commitment(label, "a", "bc", key=key)
    assert commitment(label, "a", key=key) != commitment(label, "a", key=bytes([1] * 32))


def test_consent_is_written_and_read(home: object, photo: bytes) -> None:
    uses = {Purpose.AI_TRAINING: Use.NOT_ALLOWED, Purpose.DATA_MINING: Use.CONSTRAINED}
    manifest = with_consent(generated(), uses, constraints="ask first")
    assert read(sign_bytes(Media.from_bytes(photo), manifest)).consent == {
        "cawg.ai_training": "notAllowed",
        "cawg.data_mining": "constrained",
    }
    with pytest.raises(ConfigurationError, match="say how"):
        with_consent(generated(), uses)


def test_metadata_is_checked(home: object, photo: bytes) -> None:
    manifest = with_metadata(generated(), {"dc:title": "cat"})
    signed = sign_bytes(Media.from_bytes(photo), manifest)
    document = read(signed).raw["crjson"]["manifests"][0]["assertions"]["c2pa.metadata"]
    assert document["dc:title"] == "cat"
    with pytest.raises(ConfigurationError, match="not known"):
        with_metadata(generated(), {"foo:bar": "x"})
    with pytest.raises(ConfigurationError, match="not an IPTC"):
        with_metadata(generated(), {"Iptc4xmpExt:DigitalSourceType": "robots"})

"""From a profile and its options to the manifest that tells what happened.

| profile | what happened | made from |
|---|---|---|
| generated | a model made it | inputs |
| edited | a model changed it | one parent, inputs |
| captured | a camera took it | nothing |
| composite | parts were put together | parents: each part |
| converted | the same content, encoded anew | one parent |
| redacted | statements were removed from its manifest | itself |
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from assay.errors import ConfigurationError
from assay.extending import MarkingContext
from assay.media import Media
from assay.provenance import manifests
from assay.provenance.documents import Document, open_any
from assay.provenance.manifests import Agent, IngredientInput, Manifest
from assay.provenance.prompting import PromptPolicy, with_prompt
from assay.provenance.reading import read
from assay.provenance.statements import Purpose, Use, with_consent
from assay.provenance.vocabulary import DigitalSourceType, Relationship

PROFILES = ("generated", "edited", "captured", "composite", "converted", "redacted")
SAME_CONTENT = frozenset({"converted", "redacted"})
"""Profiles that change nothing that is seen or heard: no new watermark, no new labels."""
WITH_HISTORY = frozenset({"edited", "converted", "redacted"})
"""Profiles that keep the manifest of what they were made from."""
LONGEST_NAME = 200  # of a generator; model ids with their revision are shorter

Source = str | Path | Media | Document
_NEEDS_ONE_PARENT = frozenset({"edited", "converted"})
_TAKES_INPUTS = frozenset({"generated", "edited"})
_TAKES_SOURCE_TYPE = frozenset({"generated", "edited", "captured", "composite"})


def check(profile: str, options: dict[str, Any]) -> None:
    """Refuse a profile whose options do not fit it.

    Raises:
        ConfigurationError: says which.
    """
    if profile not in PROFILES:
        raise ConfigurationError(f"profile {profile!r} is not one of {', '.join(PROFILES)}")
    parents = parents_of(options)
    if profile in _NEEDS_ONE_PARENT and len(parents) != 1:
        raise ConfigurationError(
            f"the profile `{profile}` needs the picture that was {profile}",
            advice="pass exactly one with --parent",
        )
    if profile == "composite" and not parents:
        raise ConfigurationError(
            "the profile `composite` needs the parts that were put together",
            advice="pass each with --parent",
        )
    if profile not in _NEEDS_ONE_PARENT | {"composite"} and parents:
        raise ConfigurationError(
            f"a parent belongs to the profiles `edited`, `converted` and `composite`, "
            f"not `{profile}`"
        )
    if profile not in _TAKES_INPUTS and options.get("inputs"):
        raise ConfigurationError(f"the profile `{profile}` has no model that was given inputs")
    if profile not in _TAKES_SOURCE_TYPE and options.get("source_type"):
        raise ConfigurationError(f"the profile `{profile}` creates nothing that has a source type")
    if (profile == "redacted") != bool(options.get("redact")):
        raise ConfigurationError(
            "the profile `redacted` and the statements to remove go together",
            advice="pass the label of each with --redact, such as org.assay.prompt",
        )


def tell(context: MarkingContext, original: Media | Document) -> Manifest:
    """The manifest of a profile, before any binding.

    Args:
        context: profile, manifest label, and options as `assay.sign` takes them.
        original: what is signed; the parent of a redaction.

    Raises:
        ConfigurationError: a name or source type is not one, or a redaction names nothing.
        InputRefused: a parent or an input cannot be read.
    """
    options = context.options
    name = options.get("generator") or "unnamed generator"
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigurationError(
            f"a generator has a printable name of at most {LONGEST_NAME} characters"
        )
    agent = Agent(name, options.get("generator_version"))
    manifest = _by_profile(context.profile, agent, context, original)
    manifest = _with_statements(manifest, options)
    if extend := options.get("extend"):
        manifest = extend(manifest)
    return manifest


def parents_of(options: dict[str, Any]) -> list[Source]:
    """The option `parent`: None, one source or a sequence of them."""
    parent = options.get("parent")
    if parent is None:
        return []
    return [parent] if isinstance(parent, Source) else list(parent)


def _by_profile(
    profile: str, agent: Agent, context: MarkingContext, original: Media | Document
) -> Manifest:
    options = context.options
    common: dict[str, Any] = {
        "label": context.manifest_label or None,
        "title": options.get("title"),
    }
    if text := options.get("source_type"):
        common["source_type"] = DigitalSourceType.parse(text)
    parents = parents_of(options)
    if profile == "composite":
        return manifests.composite(
            agent, _ingredients(parents, Relationship.COMPONENT_OF, "component"), **common
        )
    if profile == "redacted":
        parent = _ingredient(original, Relationship.PARENT_OF, "original")
        return manifests.redacted(agent, parent, _uris(original, options["redact"]), **common)
    if profile == "captured":
        return manifests.captured(agent, **common)
    if profile == "converted":
        parent = _ingredient(parents[0], Relationship.PARENT_OF, "original")
        return manifests.converted(agent, parent, **common)
    inputs = _ingredients(options.get("inputs") or (), Relationship.INPUT_TO, "input")
    if profile == "edited":
        parent = _ingredient(parents[0], Relationship.PARENT_OF, "original")
        return manifests.edited(agent, parent, inputs=inputs, **common)
    return manifests.generated(agent, inputs=inputs, **common)


def _uris(original: Media | Document, labels: Sequence[str]) -> list[str]:
    """What to redact, in full: a plain label means the active manifest of the file."""
    credentials = read(original if isinstance(original, Media) else original.data)
    if credentials.manifest_label is None:
        raise ConfigurationError("there is no manifest in this file to remove anything from")
    active = credentials.manifest_label
    return [
        label if label.startswith("self#jumbf=") else manifests.assertion_uri(active, label)
        for label in labels
    ]


def _ingredients(
    sources: Sequence[Source], relationship: Relationship, title: str
) -> list[IngredientInput]:
    return [_ingredient(source, relationship, title) for source in sources]


def _ingredient(source: Source, relationship: Relationship, title: str) -> IngredientInput:
    opened = source if isinstance(source, Media | Document) else open_any(source)
    return IngredientInput(opened.data, opened.media_type, relationship, title=title)


def _with_statements(manifest: Manifest, options: dict[str, Any]) -> Manifest:
    """Consent to training and what may be told about the prompt."""
    if training := options.get("training"):
        manifest = with_consent(manifest, dict.fromkeys(Purpose, Use(training)))
    if prompt := options.get("prompt"):
        manifest = with_prompt(
            manifest,
            prompt,
            PromptPolicy(options.get("prompt_policy") or PromptPolicy.OMIT),
            negative_prompt=options.get("negative_prompt"),
            seed=options.get("seed"),
        )
    return manifest

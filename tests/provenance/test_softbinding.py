"""The answers of the Soft Binding Resolution API, against its published OpenAPI document."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay import watermark
from assay.encoding import encode_png
from assay.media import Media
from assay.provenance import jumbf, softbinding
from assay.provenance.claims import Agent, IngredientInput, SoftBinding
from assay.provenance.keys import watermark_key
from assay.provenance.manifests import edited
from assay.provenance.matching import Registry
from assay.provenance.recovering import read_store
from assay.provenance.signing import embed
from assay.provenance.vocabulary import (
    FINGERPRINT_ALGORITHM,
    WATERMARK_ALGORITHM,
    Relationship,
)
from assay.settings import settings

from .conftest import generated

PAYLOAD = 0xFEDCBA987654321


@pytest.fixture
def registry(home: Path) -> Iterator[Registry]:
    with Registry(settings().registry_url) as registry:
        yield registry


@pytest.fixture
def label(registry: Registry, astronaut: np.ndarray) -> str:
    """A registered manifest with one ingredient."""
    marked = encode_png(watermark.embed(astronaut, PAYLOAD, key=watermark_key()))
    base, _ = embed(marked, "image/png", generated())
    parent = IngredientInput(base, "image/png", Relationship.PARENT_OF)
    manifest = edited(Agent("m"), parent).with_soft_binding(SoftBinding.watermark(PAYLOAD))
    signed, store = embed(marked, "image/png", manifest)
    registry.register_manifest(
        manifest.label, store, payload=PAYLOAD, pixels=Media.from_bytes(signed)
    )
    return manifest.label


def encoded(payload: int) -> str:
    return base64.b64encode(SoftBinding.watermark(payload).value.encode()).decode()


def laundered(pixels: np.ndarray) -> bytes:
    marked = watermark.embed(pixels, PAYLOAD, key=watermark_key())
    buffer = io.BytesIO()
    Image.fromarray(marked).save(buffer, "JPEG", quality=75)
    return buffer.getvalue()


def test_a_watermark_value_names_its_manifest(registry: Registry, label: str) -> None:
    answer = softbinding.by_binding(registry, WATERMARK_ALGORITHM, encoded(PAYLOAD))
    assert answer == {"matches": [{"manifestId": label}]}
    assert softbinding.by_binding(registry, WATERMARK_ALGORITHM, encoded(1)) == {"matches": []}


@pytest.mark.parametrize("value", ["%%%", "", base64.b64encode(b"zz").decode(), "A" * 5000])
def test_malformed_values_are_refused(value: str, registry: Registry) -> None:
    with pytest.raises(softbinding.BadQuery):
        softbinding.by_binding(registry, WATERMARK_ALGORITHM, value)


def test_foreign_algorithms_are_refused(registry: Registry) -> None:
    for alg in ("com.adobe.trustmark.P", FINGERPRINT_ALGORITHM):
        with pytest.raises(softbinding.UnsupportedAlgorithm):
            softbinding.by_binding(registry, alg, encoded(1))
    with pytest.raises(softbinding.UnsupportedAlgorithm):
        softbinding.by_content(registry, b"", alg="com.adobe.trustmark.P")


def test_limits_are_checked(registry: Registry) -> None:
    with pytest.raises(softbinding.BadQuery, match="maxResults"):
        softbinding.by_binding(registry, WATERMARK_ALGORITHM, encoded(1), max_results=0)


def test_content_is_really_decoded(
    registry: Registry, label: str, astronaut: np.ndarray, coffee: np.ndarray
) -> None:
    copy = laundered(astronaut)
    answer = softbinding.by_content(registry, copy)
    assert [match["manifestId"] for match in answer["matches"]] == [label]
    assert all(0 <= match["similarityScore"] <= 100 for match in answer["matches"])
    assert softbinding.by_content(registry, encode_png(coffee)) == {"matches": []}


def test_a_hint_narrows_and_never_adds(
    registry: Registry, label: str, astronaut: np.ndarray, coffee: np.ndarray
) -> None:
    hint = {"hint_alg": WATERMARK_ALGORITHM, "hint_value": encoded(PAYLOAD)}
    assert softbinding.by_content(registry, encode_png(coffee), **hint) == {"matches": []}
    wrong = {**hint, "hint_value": encoded(5)}
    assert softbinding.by_content(registry, laundered(astronaut), **wrong) == {"matches": []}


def test_a_manifest_is_given_whole_or_alone(registry: Registry, label: str) -> None:
    whole = softbinding.manifest(registry, label)
    alone = softbinding.manifest(registry, label, active_manifest=True)
    assert (jumbf.count_manifests(whole), jumbf.count_manifests(alone)) == (2, 1)
    assert read_store(whole).state == "trusted"
    assert read_store(alone).manifest_label == label
    with pytest.raises(softbinding.UnknownManifest):
        softbinding.manifest(registry, "urn:c2pa:missing")
    with pytest.raises(ValueError, match="not a manifest store"):
        jumbf.active_only(b"junk")


def test_discovery_documents() -> None:
    assert softbinding.supported_algorithms() == {
        "watermarks": [{"alg": WATERMARK_ALGORITHM}],
        "fingerprints": [{"alg": FINGERPRINT_ALGORITHM}],
    }
    assert softbinding.status() == {"status": "ok"}
    assert softbinding.capabilities()["c2paSpecificationVersion"] == "2.4.0"
    assert softbinding.well_known("https://example.org/c2pa/sbr/v1") == {
        "apiEndpoint": "https://example.org/c2pa/sbr/v1",
        "c2paSpecificationVersion": "2.4.0",
    }

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from assay import watermark
from assay.encoding import encode_png
from assay.errors import AlreadyMarked, InputRefused
from assay.media import Media
from assay.provenance import conformance
from assay.provenance.claims import SoftBinding
from assay.provenance.keys import watermark_key
from assay.provenance.matching import Registry
from assay.provenance.reading import read
from assay.provenance.recovering import NothingRecovered, read_store, reattach, recover
from assay.provenance.signing import embed, sign_detached
from assay.provenance.vocabulary import FINGERPRINT_ALGORITHM, WATERMARK_ALGORITHM
from assay.settings import settings

from .conftest import flipped, generated

PAYLOAD = 0x123456789ABCDEF


@pytest.fixture
def registry(home: Path) -> Registry:
    with Registry(settings().registry_url) as registry:
        yield registry


@pytest.fixture
def original(registry: Registry, astronaut: np.ndarray) -> tuple[bytes, str]:
    """A watermarked, signed and registered picture, and its manifest's label."""
    marked = encode_png(watermark.embed(astronaut, PAYLOAD, key=watermark_key()))
    manifest = generated().with_soft_binding(SoftBinding.watermark(PAYLOAD))
    signed, store = embed(marked, "image/png", manifest)
    media = Media.from_bytes(signed)
    registry.register_manifest(manifest.label, store, payload=PAYLOAD, pixels=media)
    return signed, manifest.label


def stripped(data: bytes, quality: int = 70) -> Media:
    """A re-encoded copy without metadata."""
    buffer = io.BytesIO()
    Image.open(io.BytesIO(data)).convert("RGB").save(buffer, "JPEG", quality=quality)
    return Media.from_bytes(buffer.getvalue())


def test_a_stripped_copy_gets_its_history_back(
    registry: Registry, original: tuple[bytes, str]
) -> None:
    signed, label = original
    copy = stripped(signed)
    assert read(copy).state == "none"
    result, found = reattach(copy, registry)
    assert found.found_by == WATERMARK_ALGORITHM
    credentials = read(result)
    assert credentials.state == "trusted"
    assert [part.manifest_label for part in credentials.ingredients] == [label]
    assert credentials.broken_ingredients == ()
    assert credentials.origin == "generated"
    actions = credentials.raw["crjson"]["manifests"][0]["assertions"]["c2pa.actions.v2"]
    assert actions["allActionsIncluded"] is False
    assert conformance.failed(credentials.raw["crjson"]) == ()


def test_without_its_watermark_it_is_found_by_its_look(
    registry: Registry, original: tuple[bytes, str], home: Path
) -> None:
    signed, label = original
    (home / "keys" / "watermark.key").write_bytes(bytes(32))
    [found] = recover(stripped(signed), registry)
    assert (found.record.label, found.found_by) == (label, FINGERPRINT_ALGORITHM)


def test_another_picture_recovers_nothing(
    registry: Registry, original: tuple[bytes, str], coffee: np.ndarray
) -> None:
    other = Media.from_bytes(encode_png(coffee))
    assert recover(other, registry) == []
    with pytest.raises(NothingRecovered):
        reattach(other, registry)


def test_a_copied_watermark_recovers_nothing(
    registry: Registry, original: tuple[bytes, str], coffee: np.ndarray
) -> None:
    forged = encode_png(watermark.embed(coffee, PAYLOAD, key=watermark_key()))
    assert recover(Media.from_bytes(forged), registry) == []


def test_a_file_with_a_manifest_is_left_alone(
    registry: Registry, original: tuple[bytes, str]
) -> None:
    with pytest.raises(AlreadyMarked, match="nothing to reattach"):
        reattach(Media.from_bytes(original[0]), registry)


def test_a_damaged_registered_manifest_is_refused(
    registry: Registry, original: tuple[bytes, str]
) -> None:
    signed, label = original
    store = registry.manifest(label).manifest
    at = store.find(b"trainedAlgorithmicMedia")
    media = Media.from_bytes(signed)
    registry.register_manifest(label, flipped(store, at), payload=PAYLOAD, pixels=media)
    with pytest.raises(InputRefused, match="does not hold"):
        reattach(stripped(signed), registry)


def test_a_bare_store_is_read_without_its_file(home: Path) -> None:
    store = sign_detached(b"{}", "application/json", generated())
    credentials = read_store(store)
    assert (credentials.state, credentials.trust_list) == ("trusted", "assay-development")
    at = store.find(b"trainedAlgorithmicMedia")
    assert read_store(flipped(store, at)).state == "invalid"


def test_the_command_line(original: tuple[bytes, str], tmp_path: Path) -> None:
    from assay.cli.provenance import app

    copy, out = tmp_path / "copy.jpg", tmp_path / "again.jpg"
    copy.write_bytes(stripped(original[0]).data)
    result = CliRunner().invoke(app, ["reattach", str(copy), "-o", str(out)])
    assert result.exit_code == 0, result.output
    assert original[1] in result.output
    assert read(out).state == "trusted"

"""Manifests are found by watermark payload and by the look of the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.media import Media
from assay.provenance.matching import NotRegistered, Registry
from assay.provenance.matching.examiner import FingerprintExaminer
from assay.provenance.vocabulary import DigitalSourceType
from assay.settings import settings

Pixels = NDArray[np.uint8]
LABEL = "urn:c2pa:3fad1ead-8ed5-44d0-873b-ea5f58adea82"
PAYLOAD = 0xFEDCBA987654321


@pytest.fixture
def registry(tmp_path: Path, china: Pixels) -> Registry:
    made = Registry(tmp_path / "registry.sqlite")
    register(made, china)
    return made


def register(registry: Registry, pixels: Pixels, label: str = LABEL) -> dict[str, str]:
    return registry.register_manifest(
        label,
        b"jumbf",
        payload=PAYLOAD,
        pixels=pixels,
        sha256_before="0" * 64,
        sha256_after="1" * 64,
        digital_source_type=DigitalSourceType.TRAINED_ALGORITHMIC_MEDIA,
        signer="studio",
    )


def test_payload_leads_to_the_manifest(registry: Registry) -> None:
    record = registry.manifest_for_payload(PAYLOAD, 60)

    assert record is not None
    assert (record.label, record.manifest, record.origin) == (LABEL, b"jumbf", "generated")
    assert record.details == {"signer": "studio"}
    assert registry.manifest_for_payload(PAYLOAD + 1, 60) is None


def test_short_payload_leads_to_the_manifest(registry: Registry) -> None:
    short = PAYLOAD & (1 << 40) - 1

    record = registry.manifest_for_payload(short, 40)

    assert record is not None
    assert record.label == LABEL
    assert registry.manifest_for_payload(short, 60) is None


def test_short_payloads_may_collide(registry: Registry, coffee: Pixels) -> None:
    registry.register_manifest("urn:c2pa:other", b"", payload=PAYLOAD + (1 << 50), pixels=coffee)

    found = registry.manifests_for_payload(PAYLOAD & (1 << 40) - 1, 40)

    assert [record.label for record in found] == ["urn:c2pa:other", LABEL]


def test_signed_file_is_found_by_its_hash(registry: Registry) -> None:
    record = registry.manifest_for_file("1" * 64)

    assert record is not None
    assert record.label == LABEL
    assert registry.manifest_for_file("2" * 64) is None


def test_stripped_crop_recovers_the_manifest(registry: Registry, china: Pixels) -> None:
    recovered = registry.recover(np.ascontiguousarray(china[60:, 100:]))

    assert [(found.record.label, found.decision) for found in recovered] == [(LABEL, "match")]


def test_works_and_manifests_do_not_mix(registry: Registry, china: Pixels) -> None:
    assert registry.match(china) == []
    registry.add(china, {"id": "china"})

    assert [match.work_id for match in registry.match(china)] == ["china"]
    assert len(registry.recover(china)) == 1


def test_registering_again_replaces(registry: Registry, china: Pixels, coffee: Pixels) -> None:
    fingerprints = register(registry, coffee)

    assert len(fingerprints["pdq"]) == 64
    assert registry.recover(china) == []
    assert len(registry.recover(coffee)) == 1
    assert registry.stats()["manifests"] == 1


def test_resemblance_unmasks_a_copied_watermark(
    registry: Registry, china: Pixels, coffee: Pixels
) -> None:
    assert registry.resembles(LABEL, np.ascontiguousarray(china[:, 50:])).same
    assert not registry.resembles(LABEL, coffee).same
    with pytest.raises(NotRegistered):
        registry.resembles("urn:c2pa:unknown", china)


def test_examiner_reports_works_and_manifests(china: Pixels, coffee: Pixels) -> None:
    from tests.conftest import encoded

    examiner = FingerprintExaminer()
    media = Media.from_bytes(encoded(np.ascontiguousarray(china[:, ::-1]), "JPEG", quality=80))
    home = settings().home
    assert examiner.examine(media) == []
    assert not (home / "registry.sqlite").exists()

    registry = Registry(settings().registry_url)
    assert [e.finding for e in examiner.examine(media)] == ["not-registered"]
    register(registry, china)
    registry.add(china, {"id": "china", "title": "A temple"})

    manifest, work = examiner.examine(media)
    assert (manifest.finding, manifest.points_to) == (
        "manifest-recovered-by-fingerprint",
        "generated",
    )
    assert (work.finding, work.points_to, work.strength) == ("known-work", "known-work", "strong")
    assert "A temple" in work.summary
    assert work.details["title"] == "A temple"

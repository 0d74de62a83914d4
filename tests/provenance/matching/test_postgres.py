"""The same registry on a real PostgreSQL server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assay.provenance.matching import NotRegistered, Registry
from tests.provenance.matching.test_index import fill, moved, random_codes

Pixels = NDArray[np.uint8]


@pytest.fixture
def registry(postgres: str) -> Iterator[Registry]:
    with Registry(postgres) as made:
        yield made


def test_works_are_added_matched_and_removed(
    registry: Registry, china: Pixels, flower: Pixels
) -> None:
    registry.add(china, {"id": "china", "training_opt_out": True})

    mirrored = registry.match(np.ascontiguousarray(china[:, ::-1]))
    cropped = registry.match(np.ascontiguousarray(china[150:, 200:]))
    assert [m.decision for m in (*mirrored, *cropped)] == ["match", "match"]
    assert registry.match(flower) == []
    assert registry.stats()["training_opt_outs"] == 1

    registry.remove("china")
    assert registry.match(china) == []
    with pytest.raises(NotRegistered):
        registry.remove("china")


def test_manifests_are_recovered(registry: Registry, china: Pixels) -> None:
    label = "urn:c2pa:3fad1ead-8ed5-44d0-873b-ea5f58adea82"
    payload = 0xFEDCBA987654321
    registry.register_manifest(label, b"jumbf", payload=payload, pixels=china, note="kept")

    recovered = registry.recover(np.ascontiguousarray(china[60:, 100:]))

    assert [found.record.label for found in recovered] == [label]
    short = registry.manifest_for_payload(payload & (1 << 40) - 1, 40)
    assert short is not None
    assert (short.manifest, short.details) == (b"jumbf", {"note": "kept"})


def test_gin_index_finds_what_the_embedded_index_finds(registry: Registry, tmp_path: Path) -> None:
    codes = random_codes(400)
    queries = moved(codes[::10], np.arange(40) % 36)
    embedded = Registry(tmp_path / "registry.sqlite")
    found = []
    for made in (registry, embedded):
        fill(made, codes)
        made._indexes.refresh()
        hits = made._indexes.pdq.search(queries, 31)
        found.append(sorted(zip(hits.query.tolist(), hits.distance.tolist(), strict=True)))

    assert found[0] == found[1]
    assert len(found[0]) == 36


def test_second_connection_sees_a_work_at_once(
    registry: Registry, postgres: str, china: Pixels
) -> None:
    with Registry(postgres, create=False) as other:
        assert other.match(china) == []
        registry.add(china, {"id": "china"})
        assert [match.work_id for match in other.match(china)] == ["china"]

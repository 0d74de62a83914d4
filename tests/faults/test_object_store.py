"""A bucket that refuses and a bucket that is slow: nothing that was accepted is lost."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.api import retention
from assay.api.media_store import MediaStore, StoreUnavailable
from assay.api.records import Records, open_database
from assay.encoding import encode_png
from assay.settings import settings
from tests.api.processes import serving
from tests.faults.failing_store import Trouble, failing_store


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Trouble]]:
    with failing_store(monkeypatch) as found:
        yield found


def test_refusals_and_slow_reads(bucket: tuple[str, Trouble]) -> None:
    url, trouble = bucket
    store = MediaStore.open(url)
    data = np.random.default_rng(3).bytes(12_000_000)
    store.put("large", io.BytesIO(data))

    trouble.refusing = True
    began = time.monotonic()
    for attempt in (lambda: store.put("new", b"x"), lambda: store.get("large")):
        with pytest.raises(StoreUnavailable):
            attempt()
    print(f"two refusals took {time.monotonic() - began:.1f} s and {trouble.refused} requests")
    assert time.monotonic() - began < 60
    trouble.refusing = False
    assert store.keys() == ["large"]

    trouble.pieces, trouble.pause = 40, 0.05
    with store.get("large") as file:
        assert file.read() == data


def test_a_refused_file_is_deleted_when_its_worker_dies_first(
    bucket: tuple[str, Trouble],
) -> None:
    store, records = MediaStore.open(bucket[0]), Records(open_database())
    for key in ("refused", "good"):
        retention.promise(records, key)
        store.put(key, b"x")
        records.add(id=key, caller="c", name=None, sha256="0" * 64, size=1, media=key)
        begun = records.begin(key, [])
        assert begun is not None
        problem = {"type": "urn:assay:problem:damaged-media"} if key == "refused" else None
        assert records.finish(begun[0], problem=problem, result=None if problem else "{}")
    # Here the worker would delete the file.
    assert retention.sweep(records, store) == 1
    assert store.keys() == ["good"]
    refused = records.get("refused")
    assert refused is not None
    assert (refused.status, refused.media) == ("failed", None)


def test_what_was_accepted_is_examined_when_the_bucket_is_back(
    bucket: tuple[str, Trouble],
    chelsea: np.ndarray,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url, trouble = bucket
    monkeypatch.setenv("ASSAY_MEDIA_URL", url)
    monkeypatch.setenv("ASSAY_WORKERS", "1")
    settings.cache_clear()
    tiles = [encode_png(np.ascontiguousarray(chelsea[:64, 64 * n : 64 * n + 64])) for n in range(6)]

    with serving(log=tmp_path / "serve.log") as client:

        def post(tile: bytes) -> int:
            answer = client.post(
                "/v1/verifications",
                files={"file": ("tile.png", tile)},
                headers={"Prefer": "respond-async"},
            )
            return answer.status_code

        accepted = [post(tile) for tile in tiles[:3]]
        trouble.refusing = True
        refused = post(tiles[3])
        trouble.refusing = False
        began = time.monotonic()
        accepted.append(post(tiles[4]))
        print(f"accepts again after {time.monotonic() - began:.1f} s")
        assert accepted == [202] * 4
        assert refused == 503
        while True:
            items = client.get("/v1/verifications").json()["items"]
            if all(item["status"] == "done" for item in items):
                break
            assert time.monotonic() - began < 60, items
            time.sleep(0.1)
        print(f"everything was answered {time.monotonic() - began:.1f} s after the end")
    assert len(items) == 4
    assert len(MediaStore.open(url).keys()) == 4

"""The same store in a folder and in a bucket."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.api.media_store import MediaGone, MediaStore, StoreUnavailable
from assay.errors import ConfigurationError


@pytest.fixture(params=["folder", "bucket"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MediaStore]:
    if request.param == "folder":
        yield MediaStore.open((tmp_path / "with space").as_uri())
        return
    server = pytest.importorskip("moto.server").ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    import httpx

    httpx.put(f"http://{host}:{port}/media").raise_for_status()
    yield MediaStore.open(f"s3://media/uploads-{port}")
    server.stop()


def test_what_is_put_comes_back(store: MediaStore) -> None:
    large = bytes(range(256)) * 50_000  # more than one part of an upload
    store.put("small", b"few bytes")
    store.put("large", io.BytesIO(large))

    assert sorted(store.keys()) == ["large", "small"]
    for key, expected in [("small", b"few bytes"), ("large", large)]:
        with store.get(key) as file:
            assert file.fileno() >= 0  # a child can be given it
            assert file.read() == expected


def test_what_is_deleted_is_gone(store: MediaStore) -> None:
    store.put("key", b"content")
    store.delete("key")
    store.delete("key")
    assert store.keys() == []
    with pytest.raises(MediaGone):
        store.get("key")


def test_what_an_interrupted_upload_left_is_deleted(tmp_path: Path) -> None:
    store = MediaStore.open(tmp_path.as_uri())
    (tmp_path / "key#1").write_bytes(b"half")
    store.delete("key")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "media").write_bytes(b"a file is in the way")
    with pytest.raises(ConfigurationError):
        MediaStore.open((tmp_path / "media").as_uri())
    with pytest.raises(ConfigurationError):
        MediaStore.open("nonsense://place")
    store = MediaStore.open((tmp_path / "gone").as_uri())
    (tmp_path / "gone").rmdir()
    (tmp_path / "gone").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        store.put("key", b"content")

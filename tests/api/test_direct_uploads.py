"""Files that callers put into a bucket, a real S3 server on loopback, and then have examined."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
import time_machine
from starlette.testclient import TestClient

from assay.api import create_app, retention
from assay.api.accepting import accept_direct
from assay.api.direct_uploads import store as direct
from assay.api.direct_uploads import taking
from assay.api.direct_uploads.schema import uploads
from assay.api.direct_uploads.store import DirectUpload, UnknownUpload, key_of, sweep
from assay.api.direct_uploads.taking import UploadMissing
from assay.api.jobs import QueueUnavailable
from assay.api.media_store import DirectUploadOff, MediaStore, StoreUnavailable
from assay.api.records import Record, open_database
from assay.api.records.migrating import SCHEMA
from assay.api.records.schema import retention as promises
from assay.api.records.schema import verifications
from assay.api.records.store import new_id
from assay.api.runtime import Runtime
from assay.databases import migrating, reach
from assay.encoding import encode_png
from assay.errors import InputRefused, LimitExceeded, UnsupportedMedia
from assay.settings import settings
from tests.api.small_app import calling, new_key
from tests.faults.failing_store import Bucket, failing_bucket

MOST = 3_000_000
WHO = "key:newsroom"


@pytest.fixture(scope="module")
def server() -> Iterator[Bucket]:
    with failing_bucket() as running:
        yield running


@pytest.fixture
def bucket(
    isolated_home: Path, server: Bucket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """Settings of an API process whose media are in an empty bucket."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("ASSAY_MEDIA_URL", f"{server.url}/{uuid4().hex}")
    monkeypatch.setenv("ASSAY_ROLE", "api")
    monkeypatch.setenv("ASSAY_LIMITS__MAX_BYTES", str(MOST))
    settings.cache_clear()
    yield server
    server.trouble.refusing = False


@pytest.fixture
def newsroom(bucket: Bucket) -> Iterator[TestClient]:
    """A caller with a key."""
    with calling(create_app(), key=new_key()) as client:
        yield client


@pytest.fixture(params=["sqlite", "postgres"])
def runtime(
    request: pytest.FixtureRequest, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Runtime]:
    """The parts of an API process, on both engines."""
    if request.param == "postgres":
        monkeypatch.setenv("ASSAY_DATABASE_URL", request.getfixturevalue("postgres"))
        settings.cache_clear()
    made = Runtime()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def picture(chelsea: np.ndarray) -> bytes:
    return encode_png(np.ascontiguousarray(chelsea[:64, :64]))


@pytest.fixture
def another(coffee: np.ndarray) -> bytes:
    return encode_png(np.ascontiguousarray(coffee[:64, :64]))


def begin(client: TestClient, **body: object) -> dict[str, object]:
    response = client.post("/v1/uploads", json=body)
    assert response.status_code == 201, response.text
    return dict(response.json())


def put(url: object, data: bytes) -> None:
    httpx.put(str(url), content=data).raise_for_status()


def examine(client: TestClient, id: object) -> httpx.Response:
    headers = {"Prefer": "respond-async"}
    return client.post("/v1/verifications", json={"upload": id}, headers=headers)


def problem(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["type"].rpartition(":")[2]


def permitted(runtime: Runtime, caller: str = WHO) -> tuple[DirectUpload, str]:
    """An upload and the address of its object."""
    id = new_id()
    url = runtime.store.sign_put(key_of(id), 60).url
    return runtime.uploads.add(id, caller, "cat.png"), url


def count(table: sa.Table) -> int:
    with open_database().connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


class TestOverHttp:
    def test_put_and_examined(self, newsroom: TestClient, picture: bytes) -> None:
        response = newsroom.post("/v1/uploads", json={"name": "../a/cat.png", "size": len(picture)})
        given = response.json()
        assert response.headers["location"] == f"/v1/uploads/{given['id']}"
        assert given["method"] == "PUT"
        assert given["headers"] == {}
        until = datetime.fromisoformat(given["expires"]).timestamp()
        assert 890 < until - time.time() <= 900
        put(given["url"], picture)

        accepted = examine(newsroom, given["id"])

        assert accepted.status_code == 202
        found = newsroom.get(accepted.headers["location"]).json()
        assert found["sha256"] == hashlib.sha256(picture).hexdigest()
        assert (found["name"], found["status"]) == ("cat.png", "queued")
        [kept] = MediaStore.open().keys()
        assert not kept.startswith("uploads/")
        upload = newsroom.get(response.headers["location"]).json()
        assert upload["verification"] == found["id"]
        assert "url" not in upload

    def test_as_a_form_field(self, newsroom: TestClient, picture: bytes) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        form = {"upload": given["id"], "priority": "batch"}
        headers = {"Prefer": "respond-async"}
        assert newsroom.post("/v1/verifications", data=form, headers=headers).status_code == 202

    def test_asked_again_it_is_the_same(self, newsroom: TestClient, picture: bytes) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        first, second = (examine(newsroom, given["id"]) for _ in range(2))
        assert first.headers["location"] == second.headers["location"]
        assert count(verifications) == 1
        assert newsroom.delete(first.headers["location"]).status_code == 204
        assert problem(examine(newsroom, given["id"])) == (404, "unknown-upload")

    def test_a_key_begins_one_upload(self, newsroom: TestClient) -> None:
        headers = {"Idempotency-Key": "one"}
        first, second = (
            newsroom.post("/v1/uploads", json={}, headers=headers).json() for _ in range(2)
        )
        assert first == second
        assert count(uploads) == 1

    def test_nothing_was_put(self, newsroom: TestClient) -> None:
        answer = examine(newsroom, begin(newsroom)["id"])
        assert problem(answer) == (409, "upload-missing")
        assert "PUT" in answer.json()["advice"]

    def test_of_another_caller(self, newsroom: TestClient, picture: bytes) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        for scope in ("verify", "admin"):
            with calling(create_app(), key=new_key(scope)) as stranger:
                assert problem(examine(stranger, given["id"])) == (404, "unknown-upload")
                place = f"/v1/uploads/{given['id']}"
                assert problem(stranger.get(place)) == (404, "unknown-upload")
        assert examine(newsroom, given["id"]).status_code == 202

    def test_deleting_an_upload(
        self, newsroom: TestClient, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(direct, "MOST_OPEN", 1)
        headers = {"Idempotency-Key": "one"}
        given = newsroom.post("/v1/uploads", json={"name": "cat.png"}, headers=headers).json()
        put(given["url"], picture)
        place = f"/v1/uploads/{given['id']}"
        with calling(create_app(), key=new_key("admin", "verify")) as stranger:
            assert problem(stranger.delete(place)) == (404, "unknown-upload")
        assert newsroom.delete(place).status_code == 204
        assert MediaStore.open().keys() == []
        assert problem(newsroom.delete(place)) == (404, "unknown-upload")
        assert problem(newsroom.get(place)) == (404, "unknown-upload")
        put(given["url"], picture)  # the address still is valid
        assert problem(examine(newsroom, given["id"])) == (404, "unknown-upload")
        other = newsroom.post("/v1/uploads", json={"name": "cat.png"}, headers=headers).json()
        assert other["id"] != given["id"], "the kept answer is gone too, and there is room again"
        with time_machine.travel(time.time() + direct.KEPT_SECONDS + 1, tick=True):
            runtime = newsroom.app.state.runtime  # type: ignore[attr-defined]
            assert sweep(runtime.uploads, runtime.store) == 2
        assert MediaStore.open().keys() == []

    def test_deleting_an_upload_that_was_examined(
        self, newsroom: TestClient, picture: bytes
    ) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        made = examine(newsroom, given["id"]).headers["location"]
        assert newsroom.delete(f"/v1/uploads/{given['id']}").status_code == 204
        assert newsroom.get(made).json()["status"] == "queued"

    def test_deleting_while_the_store_is_away(
        self, newsroom: TestClient, bucket: Bucket, picture: bytes
    ) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        place = f"/v1/uploads/{given['id']}"
        bucket.trouble.refusing = True
        refused = newsroom.delete(place)
        bucket.trouble.refusing = False
        assert problem(refused) == (503, "store-unavailable")
        assert newsroom.delete(place).status_code == 204
        assert MediaStore.open().keys() == []

    def test_without_a_key_or_the_scope(self, bucket: Bucket) -> None:
        with calling(create_app(), key=new_key("sign")) as signer:
            assert problem(signer.post("/v1/uploads", json={})) == (403, "scope-missing")
        with calling(create_app(), address="203.0.113.9") as stranger:
            assert problem(stranger.post("/v1/uploads", json={})) == (401, "unauthenticated")

    def test_too_large(self, newsroom: TestClient) -> None:
        answer = newsroom.post("/v1/uploads", json={"size": MOST + 1})
        assert problem(answer) == (413, "limit-exceeded")
        assert count(uploads) == 0
        given = begin(newsroom, size=10)  # a lie
        put(given["url"], bytes(MOST + 1))
        assert problem(examine(newsroom, given["id"])) == (413, "limit-exceeded")
        assert MediaStore.open().keys() == []

    @pytest.mark.parametrize(
        ("data", "refusal"),
        [(b"", (422, "input-refused")), (b"Dear newsroom", (415, "unsupported-media"))],
    )
    def test_no_media(self, newsroom: TestClient, data: bytes, refusal: tuple[int, str]) -> None:
        given = begin(newsroom)
        put(given["url"], data)
        assert problem(examine(newsroom, given["id"])) == refusal
        assert MediaStore.open().keys() == []
        assert count(verifications) == count(promises) == 0

    def test_hostile_ids(self, newsroom: TestClient) -> None:
        long = ["A" * 32, "0" * 31, "0" * 32 + "\n", "ü" * 32]
        for id in ["../../etc/passwd", "", "\x00", 7, *long]:
            assert problem(examine(newsroom, id)) == (422, "invalid-request"), id
            form = newsroom.post("/v1/verifications", data={"upload": id})
            assert problem(form) == (422, "invalid-request"), id

    def test_unknown_ids(self, newsroom: TestClient) -> None:
        assert problem(examine(newsroom, "0" * 32)) == (404, "unknown-upload")

    def test_neither_or_both(self, newsroom: TestClient) -> None:
        both = {"upload": "0" * 32, "url": "https://example.org/a.png"}
        for body in [{}, both, {"upload": None}, {"upload": "0" * 32, "more": 1}, []]:
            response = newsroom.post("/v1/verifications", json=body)
            assert problem(response) == (422, "invalid-request"), body

    def test_what_is_no_upload(self, newsroom: TestClient) -> None:
        for body in [{"size": -1}, {"size": "many"}, {"name": 3}, {"key": "x"}]:
            response = newsroom.post("/v1/uploads", json=body)
            assert problem(response) == (422, "invalid-request"), body

    def test_not_without_end(
        self, newsroom: TestClient, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(direct, "MOST_OPEN", 2)
        given = [begin(newsroom) for _ in range(2)]
        refused = newsroom.post("/v1/uploads", json={})
        assert problem(refused) == (429, "too-many-uploads")
        assert 3500 < int(refused.headers["retry-after"]) <= 3600
        with calling(create_app(), key=new_key()) as other:
            begin(other)
        put(given[0]["url"], picture)
        examine(newsroom, given[0]["id"])
        begin(newsroom)

    def test_the_store_is_away(self, newsroom: TestClient, bucket: Bucket, picture: bytes) -> None:
        given = begin(newsroom)
        put(given["url"], picture)
        bucket.trouble.refusing = True
        refused = examine(newsroom, given["id"])
        bucket.trouble.refusing = False
        assert problem(refused) == (503, "store-unavailable")
        assert "127.0.0.1" not in refused.text, "nobody is told where the bucket is"
        assert count(verifications) == 0
        assert examine(newsroom, given["id"]).status_code == 202


class TestWhereItIsOff:
    def test_a_folder(self, isolated_home: Path) -> None:
        with calling(create_app(), key=new_key()) as client:
            answer = client.post("/v1/uploads", json={"name": "cat.png"})
            assert problem(answer) == (403, "direct-upload-off")
            assert "multipart" in answer.json()["advice"]
            assert problem(examine(client, "0" * 32)) == (404, "unknown-upload")
        assert count(uploads) == 0

    def test_switched_off(self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_DIRECT_UPLOADS", "false")
        settings.cache_clear()
        with pytest.raises(DirectUploadOff):
            MediaStore.open().sign_put("uploads/x", 60)


class TestTheAddress:
    def test_its_signature_is_that_of_another_implementation(self, bucket: Bucket) -> None:
        """The S3 server of the tests checks no signatures; botocore makes the same one."""
        from botocore.auth import S3SigV4QueryAuth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        url = urlsplit(MediaStore.open().sign_put(key_of("0" * 32), 900).url)
        told = {name: values[0] for name, values in parse_qs(url.query).items()}
        assert told["X-Amz-Expires"] == "900"
        request = AWSRequest("PUT", url._replace(query="").geturl())
        signer = S3SigV4QueryAuth(Credentials("test", "test"), "s3", "us-east-1", expires=900)
        at = time.strptime(told["X-Amz-Date"], "%Y%m%dT%H%M%SZ")
        with time_machine.travel(time.mktime(at) - time.timezone, tick=False):
            signer.add_auth(request)
        expected = parse_qs(urlsplit(request.url).query)
        assert expected["X-Amz-Date"] == [told["X-Amz-Date"]]
        assert expected["X-Amz-Signature"] == [told["X-Amz-Signature"]]

    def test_the_host_that_callers_reach(
        self, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("ASSAY_UPLOAD_ENDPOINT", "https://s3.example.org")
        monkeypatch.setenv("ASSAY_MEDIA_URL", f"{bucket.url}/{uuid4().hex}")
        settings.cache_clear()
        store = MediaStore.open()
        url = urlsplit(store.sign_put("uploads/x", 60).url)
        assert (url.scheme, url.netloc) == ("https", "s3.example.org")
        store.put("probe", b"x")  # the service itself goes the way it went
        assert store.keys() == ["probe"]

    def test_it_is_in_no_repr(self, bucket: Bucket) -> None:
        assert "Signature" not in repr(MediaStore.open().sign_put("uploads/x", 60))


class _Meddling(MediaStore):
    """The store, with something that happens when the copy is about to be read."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        vars(self).update(vars(MediaStore.open()))
        self._meanwhile = meanwhile

    def pieces(self, key: str) -> Iterator[bytes]:
        self._meanwhile()
        return super().pieces(key)


class TestInside:
    def test_another_file_after_the_first_was_hashed(
        self, runtime: Runtime, picture: bytes, another: bytes
    ) -> None:
        """The holder of the address swaps the file: before it is hashed, and once it is taken."""
        upload, url = permitted(runtime)
        put(url, picture)
        runtime.store = _Meddling(lambda: put(url, another))
        record = accept_direct(runtime, upload.id, WHO)
        put(url, another)

        assert record.sha256 == hashlib.sha256(picture).hexdigest()
        assert record.size == len(picture)
        with runtime.store.get(str(record.media)) as kept:
            assert kept.read() == picture
        assert set(runtime.store.keys()) == {record.media, upload.key}
        with time_machine.travel(time.time() + direct.KEPT_SECONDS + 1, tick=True):
            assert sweep(runtime.uploads, runtime.store) == 1
        assert runtime.store.keys() == [record.media]

    def test_a_larger_file_after_the_first_was_measured(
        self, runtime: Runtime, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload, url = permitted(runtime)
        put(url, bytes(MOST + 1))
        monkeypatch.setattr(runtime.store, "size", _lying_once(runtime.store.size))
        with pytest.raises(LimitExceeded):
            accept_direct(runtime, upload.id, WHO)
        assert runtime.store.keys() == []
        assert count(verifications) == count(promises) == 0

    def test_many_requests_at_once(self, runtime: Runtime, picture: bytes) -> None:
        upload, url = permitted(runtime)
        put(url, picture)
        together = threading.Barrier(2)
        copies: list[None] = []

        def copied() -> None:
            copies.append(None)
            with suppress(threading.BrokenBarrierError):
                together.wait(timeout=2)

        runtime.store = _Meddling(copied)

        def ask(_: int) -> Record:
            return accept_direct(runtime, upload.id, WHO)

        with ThreadPoolExecutor(6) as threads:
            records = list(threads.map(ask, range(6)))

        assert len(copies) >= 2, "they did race"
        assert len({record.id for record in records}) == 1
        assert count(verifications) == count(promises) == 1
        assert runtime.store.keys() == [records[0].media]
        assert runtime.jobs.lost([records[0].id]) == set()

    def test_the_store_fails_on_the_way(
        self, runtime: Runtime, bucket: Bucket, picture: bytes
    ) -> None:
        """The copy is there when the bucket goes away: the next sweep removes it."""
        upload, url = permitted(runtime)
        put(url, picture)
        good = runtime.store
        runtime.store = _Meddling(lambda: setattr(bucket.trouble, "refusing", True))
        with pytest.raises(StoreUnavailable):
            accept_direct(runtime, upload.id, WHO)
        bucket.trouble.refusing = False
        runtime.store = good
        assert len(good.keys()) == 2
        assert retention.sweep(runtime.records, good) == 1
        assert good.keys() == [upload.key]
        assert count(verifications) == count(promises) == 0
        assert accept_direct(runtime, upload.id, WHO).sha256 == hashlib.sha256(picture).hexdigest()

    def test_the_queue_fails(
        self, runtime: Runtime, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        upload, url = permitted(runtime)
        put(url, picture)

        def fail(*_: object) -> None:
            raise QueueUnavailable("away")

        with monkeypatch.context() as patch:
            patch.setattr(runtime.jobs, "submit", fail)
            with pytest.raises(QueueUnavailable):
                accept_direct(runtime, upload.id, WHO)
        assert runtime.store.keys() == [upload.key]
        assert count(verifications) == count(promises) == 0
        assert accept_direct(runtime, upload.id, WHO).name == "cat.png"

    def test_the_database_says_that_it_failed_and_did_not(
        self, runtime: Runtime, picture: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As when the connection breaks off after a commit: what was written keeps its file."""
        upload, url = permitted(runtime)
        put(url, picture)
        add = runtime.records.add

        def broken_off(**values: Any) -> Record:
            add(**values)
            raise sa.exc.OperationalError("COMMIT", None, Exception("broken off"))

        monkeypatch.setattr(runtime.records, "add", broken_off)
        with pytest.raises(sa.exc.OperationalError):
            accept_direct(runtime, upload.id, WHO)
        record = accept_direct(runtime, upload.id, WHO)
        assert count(verifications) == 1
        with runtime.store.get(str(record.media)) as kept:
            assert kept.read() == picture
        assert retention.sweep(runtime.records, runtime.store) == 0

    def test_deleted_while_it_is_taken(self, runtime: Runtime, picture: bytes) -> None:
        upload, url = permitted(runtime)
        put(url, picture)
        runtime.store = _Meddling(lambda: runtime.delete_upload(upload.id, WHO))
        with pytest.raises(UnknownUpload):
            accept_direct(runtime, upload.id, WHO)
        assert runtime.store.keys() == []
        assert count(verifications) == count(promises) == 0

    def test_its_time_is_over(self, runtime: Runtime, picture: bytes) -> None:
        upload, url = permitted(runtime)
        put(url, picture)
        fresh, _ = permitted(runtime)
        with time_machine.travel(upload.kept_until + 0.001, tick=False):
            with pytest.raises(UnknownUpload):
                accept_direct(runtime, upload.id, WHO)
            runtime.uploads.remove(fresh.id)
            assert sweep(runtime.uploads, runtime.store) == 1
            assert sweep(runtime.uploads, runtime.store) == 0
        assert runtime.store.keys() == []
        assert count(uploads) == 0

    def test_deleting_the_verification(self, runtime: Runtime, picture: bytes) -> None:
        """Also what the holder of the address put since; and the name is gone from the row."""
        upload, url = permitted(runtime)
        put(url, picture)
        record = accept_direct(runtime, upload.id, WHO)
        put(url, picture)
        runtime.delete(record.id, WHO)
        assert runtime.store.keys() == []
        with open_database().connect() as connection:
            [row] = connection.execute(sa.select(uploads)).all()
        assert (row.id, row.caller, row.name, row.verification) == (upload.id, "", None, None)

    def test_refused_while_another_request_was_accepted(
        self, runtime: Runtime, picture: bytes
    ) -> None:
        upload, url = permitted(runtime)
        put(url, b"only words")
        good = runtime.store

        def accepted_elsewhere() -> None:
            runtime.store = good
            put(url, picture)
            accept_direct(runtime, upload.id, WHO)

        runtime.store = _Meddling(accepted_elsewhere)
        record = accept_direct(runtime, upload.id, WHO)
        assert record.sha256 == hashlib.sha256(picture).hexdigest()
        assert good.keys() == [record.media]


def test_what_take_refuses(bucket: Bucket, picture: bytes) -> None:
    store = MediaStore.open()
    store.put("empty", b"")
    store.put("words", b"only words" * 1000)
    store.put("large", picture + bytes(2_500_000))  # more than one piece
    for key, refusal in [("none", UploadMissing), ("empty", InputRefused)]:
        with pytest.raises(refusal):
            taking.take(store, key, "target")
    with pytest.raises(UnsupportedMedia):
        taking.take(store, "words", "target")
    expected = hashlib.sha256(picture + bytes(2_500_000)).hexdigest()
    assert taking.take(store, "large", "target") == (expected, len(picture) + 2_500_000)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_migration_both_ways_keeps_what_is_there(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if engine == "sqlite":
        (tmp_path / "old.sqlite").touch()
        database = reach(str(tmp_path / "old.sqlite"))
    else:
        database = reach(request.getfixturevalue("postgres"))
    migrating.upgrade(database, SCHEMA, "0001")
    row = {
        "id": "1" * 32,
        "caller": WHO,
        "status": "done",
        "priority": "live",
        "attempts": 1,
        "created": 1.0,
        "sha256": "0" * 64,
        "size": 1,
    }
    with database.begin() as connection:
        connection.execute(verifications.insert(), row)
    migrating.upgrade(database, SCHEMA)
    with database.begin() as connection:
        upload = {"id": "2" * 32, "caller": WHO, "created": 1.0, "kept_until": 2.0}
        connection.execute(uploads.insert(), {**upload, "verification": "1" * 32})
        assert migrating.differences(connection, SCHEMA) == []
    with database.begin() as connection:
        connection.execute(verifications.delete())
        assert connection.execute(sa.select(uploads.c.verification)).scalar_one() is None
        connection.execute(verifications.insert(), row)
    migrating.downgrade(database, SCHEMA, "0001")
    assert not sa.inspect(database).has_table("uploads")
    with database.connect() as connection:
        assert connection.execute(sa.select(verifications.c.id)).scalar_one() == "1" * 32


def _lying_once(measure: Callable[[str], int]) -> Callable[[str], int]:
    told: list[str] = []

    def size(key: str) -> int:
        told.append(key)
        return 1 if len(told) == 1 else measure(key)

    return size

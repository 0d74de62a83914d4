"""The same request twice is done once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Annotated

import pytest
import time_machine
from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from starlette.testclient import TestClient

from assay.api.access import Caller, require
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.media_store import MediaStore
from assay.errors import InputRefused
from assay.settings import settings
from tests.api.small_app import calling, new_key, small_app

routes = APIRouter(route_class=IdempotentRoute)
made: list[str] = []
hold = threading.Event()
May = Annotated[Caller, Depends(require("verify"))]


@routes.post("/v1/things", status_code=201)
def make(
    _caller: May,
    response: Response,
    file: Annotated[UploadFile, File()],
    note: Annotated[str, Form()] = "",
    key: IdempotencyKey = None,
) -> dict[str, object]:
    made.append(note)
    if note == "refused":
        raise InputRefused("not this time")
    if note == "fails":
        raise RuntimeError("broken")
    if note == "slow":
        hold.wait(10)
    response.headers["Location"] = f"/v1/things/{len(made)}"
    size = 1_000_000 if note == "large" else 1
    return {"number": len(made), "bytes": len(file.file.read()), "padding": "x" * size}


@routes.delete("/v1/things/{id}", status_code=204)
def unmake(_caller: May, id: str) -> None:
    return


@pytest.fixture
def client() -> Iterator[TestClient]:
    made.clear()
    hold.clear()
    with calling(small_app(routes)) as client:
        yield client


def send(
    client: TestClient, key: str | None = "k1", note: str = "", data: bytes = b"data", **more: str
) -> object:
    headers = {**more} if key is None else {"Idempotency-Key": key, **more}
    files = {"file": ("a.png", data)}
    return client.post("/v1/things", files=files, data={"note": note}, headers=headers)


def test_the_same_request_gets_the_same_answer(client: TestClient) -> None:
    first, second = send(client), send(client)  # each with a multipart boundary of its own
    assert first.request.headers["content-type"] != second.request.headers["content-type"]
    assert made == [""]
    assert (second.status_code, second.json()) == (first.status_code, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert second.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


def test_without_a_key_everything_is_done(client: TestClient) -> None:
    assert send(client, key=None).json() != send(client, key=None).json()


@pytest.mark.parametrize("other", [{"note": "b"}, {"data": b"atad"}])
def test_another_request_with_the_key(client: TestClient, other: dict[str, object]) -> None:
    send(client)
    refused = send(client, **other)
    assert refused.status_code == 409
    assert refused.json()["type"] == "urn:assay:problem:idempotency-key-reused"
    assert len(made) == 1


def test_callers_have_keys_of_their_own(client: TestClient) -> None:
    one, two = (f"Bearer {new_key('verify')}" for _ in range(2))
    first = send(client, Authorization=one)
    second = send(client, Authorization=two, note="b")
    assert (first.status_code, second.status_code) == (201, 201)
    assert send(client, Authorization=one).json() == first.json()


@pytest.mark.parametrize(("note", "status"), [("refused", 422), ("fails", 500)])
def test_a_refusal_may_be_repeated(client: TestClient, note: str, status: int) -> None:
    assert send(client, note=note).status_code == status
    assert send(client, note=note).status_code == status
    assert made == [note, note]


def test_while_the_first_is_at_work(client: TestClient) -> None:
    first: list[object] = []
    thread = threading.Thread(target=lambda: first.append(send(client, note="slow")))
    thread.start()
    while not made:
        time.sleep(0.01)
    early = send(client, note="slow")
    hold.set()
    thread.join()
    assert early.status_code == 409
    assert early.json()["type"] == "urn:assay:problem:idempotency-in-flight"
    assert early.headers["retry-after"] == "5"
    assert first[0].status_code == 201
    assert send(client, note="slow").json() == first[0].json()
    assert made == ["slow"]


def test_many_at_once_make_one(client: TestClient) -> None:
    answers: list[object] = []
    threads = [threading.Thread(target=lambda: answers.append(send(client))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [""]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert send(client).status_code == 201


def test_large_answers_are_kept_beside_the_database_and_deleted(client: TestClient) -> None:
    first = send(client, note="large")
    assert len(MediaStore.open().keys()) == 1
    assert send(client, note="large").json() == first.json()
    assert client.delete(first.headers["location"]).status_code == 204
    assert MediaStore.open().keys() == []


def test_what_is_deleted_is_not_answered_again(client: TestClient) -> None:
    first = send(client)
    client.delete(first.headers["location"])
    assert send(client).json() != first.json()


def test_an_answer_is_kept_as_long_as_uploads(client: TestClient) -> None:
    first = send(client)
    with time_machine.travel(time.time() + settings().retention_hours * 3600 - 60, tick=False):
        assert send(client).json() == first.json()
    with time_machine.travel(time.time() + settings().retention_hours * 3600 + 60, tick=False):
        assert send(client).json() != first.json()


def test_a_request_whose_process_died_may_be_sent_again(client: TestClient) -> None:
    from assay.api.reservations import ABANDONED_SECONDS, Reservation

    fingerprint = _fingerprint_of(client)
    Reservation("anonymous", "k1", fingerprint).take()
    assert send(client).status_code == 409
    with time_machine.travel(time.time() + ABANDONED_SECONDS + 1, tick=False):
        assert send(client).status_code == 201


@pytest.mark.parametrize("key", ["x" * 256, "a\x7fb"])
def test_keys_that_cannot_be_used(client: TestClient, key: str) -> None:
    assert send(client, key=key).status_code == 422
    assert made == []


def _fingerprint_of(client: TestClient) -> str:
    """What the stored request of a successful call was."""
    import sqlalchemy as sa

    from assay.api.records import open_database
    from assay.api.records.schema import idempotency

    send(client)
    with open_database().begin() as connection:
        found = connection.execute(sa.select(idempotency.c.request)).scalar_one()
        connection.execute(idempotency.delete())
    made.clear()
    return str(found)

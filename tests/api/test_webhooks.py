"""Webhooks against a real receiver, checked with the verifier of Standard Webhooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import numpy as np
import pytest
import sqlalchemy as sa
import time_machine
from fastapi import FastAPI
from fastapi.testclient import TestClient
from standardwebhooks import Webhook, WebhookVerificationError

from assay.api import problems
from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.api.webhooks import Courier, deliver_due, forget, prune, publish, routes, store
from assay.api.webhooks.delivering import JITTER, LEASE, SCHEDULE
from assay.api.webhooks.schema import attempts, deliveries, endpoints, messages
from assay.encoding import encode_jpeg
from assay.settings import settings

NOON = 1_800_000_000.0
TOLD = "verification.completed"


@dataclass
class Receiver:
    """Answers with the statuses in `answers`, in turn, then with 204."""

    url: str
    answers: list[int] = field(default_factory=list)
    answer_headers: dict[str, str] = field(default_factory=dict)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def host(self) -> str:
        return self.url.split("/")[2]

    def wait_for(self, count: int) -> None:
        end = time.monotonic() + 10
        while len(self.received) < count:
            assert time.monotonic() < end, f"{len(self.received)} of {count} arrived"
            time.sleep(0.02)


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch, isolated_home: object) -> Iterator[Receiver]:
    """A running HTTP server whose host may be asked although it is private."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            running.received.append((dict(self.headers.items()), body))
            self.send_response(running.answers.pop(0) if running.answers else 204)
            for name, value in running.answer_headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = Receiver(f"http://127.0.0.1:{server.server_port}/events")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", running.host)
    settings.cache_clear()
    yield running
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def engine(receiver: Receiver) -> sa.Engine:
    return open_database()


@pytest.fixture
def api(receiver: Receiver) -> Iterator[TestClient]:
    """The operations alone, as a person at this machine calls them."""
    app = FastAPI()
    problems.install(app)
    app.include_router(routes.router)
    address = "http://127.0.0.1"
    with TestClient(app, base_url=address, client=("127.0.0.1", 50000)) as client:
        yield client


def add(engine: sa.Engine, url: str, owner: str = "key:a", *events: str, everything: bool = False):  # type: ignore[no-untyped-def]
    return store.add(engine, owner=owner, everything=everything, url=url, events=events or (TOLD,))


def tell(engine: sa.Engine, subject: str = "v1", owner: str = "key:a", event: str = TOLD) -> None:
    with engine.begin() as connection:
        publish(connection, event, subject, owner=owner, data={"category": "generated"})  # type: ignore[arg-type]


def due(engine: sa.Engine) -> list[float]:
    with engine.connect() as connection:
        query = sa.select(deliveries.c.due).where(deliveries.c.due.is_not(None))
        return list(connection.execute(query).scalars())


def count(engine: sa.Engine, table: sa.Table) -> int:
    with engine.connect() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def statuses(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        query = sa.select(deliveries.c.status).order_by(deliveries.c.created)
        return list(connection.execute(query).scalars())


def test_a_receiver_can_verify_what_it_gets(engine: sa.Engine, receiver: Receiver) -> None:
    _, secret = add(engine, receiver.url)
    tell(engine)

    assert deliver_due(engine) == 1
    [(headers, body)] = receiver.received
    event = Webhook(secret).verify(body, headers)
    assert event["type"] == TOLD
    assert event["data"] == {"id": "v1", "category": "generated"}
    assert headers["Content-Type"] == "application/json"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"generated", b"captured"), headers)
    assert statuses(engine) == ["delivered"]
    assert deliver_due(engine) == 0


def test_what_is_rolled_back_is_not_told(engine: sa.Engine, receiver: Receiver) -> None:
    add(engine, receiver.url)
    with engine.connect() as connection:
        publish(connection, TOLD, "v1", owner="key:a")
        connection.rollback()
    assert deliver_due(engine) == 0


def test_only_those_who_asked_and_may_know_are_told(engine: sa.Engine, receiver: Receiver) -> None:
    add(engine, receiver.url + "/stranger", "key:b")
    add(engine, receiver.url + "/other-event", "key:a", "signature.created")
    add(engine, receiver.url + "/admin", "key:c", everything=True)
    tell(engine)
    assert deliver_due(engine) == 1
    assert count(engine, deliveries) == 1


def test_a_revoked_key_hears_no_more(engine: sa.Engine, receiver: Receiver) -> None:
    key, _ = KeyStore(engine).create("press desk", ["admin"])
    add(engine, receiver.url, f"key:{key.id}", everything=True)
    tell(engine)
    KeyStore(engine).revoke(key.id)
    tell(engine, "v2")
    assert deliver_due(engine) == 1


def test_a_failed_delivery_is_repeated_on_schedule(engine: sa.Engine, receiver: Receiver) -> None:
    receiver.answers = [500] * len(SCHEDULE)
    with time_machine.travel(NOON, tick=False) as clock:
        _, secret = add(engine, receiver.url)
        tell(engine)
        for pause in SCHEDULE:
            now = time.time()
            assert deliver_due(engine) == 1
            assert deliver_due(engine) == 0
            [then] = due(engine)
            assert pause <= then - now <= pause * (1 + JITTER)
            clock.move_to(then + 0.01)
        assert deliver_due(engine) == 1
        # Signed anew at every try, so that no receiver thinks it too old; same id, same body.
        for headers, body in receiver.received[-1:]:
            Webhook(secret).verify(body, headers)
    assert len({headers["Webhook-Id"] for headers, _ in receiver.received}) == 1
    assert len({body for _, body in receiver.received}) == 1
    assert statuses(engine) == ["delivered"]


def test_it_is_given_up_after_the_last_try(engine: sa.Engine, receiver: Receiver) -> None:
    receiver.answers = [500] * 20
    with time_machine.travel(NOON, tick=False) as clock:
        add(engine, receiver.url)
        tell(engine)
        while waiting := due(engine):
            clock.move_to(waiting[0] + 0.01)
            deliver_due(engine)
    assert len(receiver.received) == len(SCHEDULE) + 1
    assert statuses(engine) == ["failed"]


def test_a_receiver_may_ask_for_more_time(engine: sa.Engine, receiver: Receiver) -> None:
    receiver.answers = [429]
    receiver.answer_headers = {"Retry-After": "3600"}
    with time_machine.travel(NOON, tick=False):
        add(engine, receiver.url)
        tell(engine)
        deliver_due(engine)
        assert due(engine) == [NOON + 3600]


def test_a_redirect_is_not_followed(engine: sa.Engine, receiver: Receiver) -> None:
    receiver.answers = [307]
    receiver.answer_headers = {"Location": receiver.url + "/elsewhere"}
    add(engine, receiver.url)
    tell(engine)
    deliver_due(engine)
    assert len(receiver.received) == 1
    assert statuses(engine) == ["pending"]


def test_a_receiver_that_is_gone_is_left_alone(engine: sa.Engine, receiver: Receiver) -> None:
    receiver.answers = [410]
    endpoint, _ = add(engine, receiver.url)
    tell(engine)
    deliver_due(engine)
    tell(engine, "v2")
    assert deliver_due(engine) == 0
    assert statuses(engine) == ["failed"]
    assert "410" in store.one(engine, endpoint, None).disabled


def test_a_worker_that_dies_with_a_try_loses_nothing(
    engine: sa.Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.api.webhooks import delivering

    add(engine, receiver.url)
    tell(engine)
    with time_machine.travel(time.time(), tick=False) as clock:
        claimed = delivering._claim(engine, time.time())  # the worker dies here
        assert len(claimed) == 1
        assert deliver_due(engine) == 0
        clock.shift(LEASE + 1)
        assert deliver_due(engine) == 1
    assert statuses(engine) == ["delivered"]


def test_two_workers_share_the_work(engine: sa.Engine, receiver: Receiver) -> None:
    add(engine, receiver.url)
    for number in range(20):
        tell(engine, f"v{number}")
    workers = [Courier(engine), Courier(engine)]
    for worker in workers:
        worker.start()
    receiver.wait_for(20)
    for worker in workers:
        worker.stop(timeout=10)
    assert len({headers["Webhook-Id"] for headers, _ in receiver.received}) == 20
    assert len(receiver.received) == 20


def test_a_private_address_is_not_asked(
    engine: sa.Engine, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(engine, receiver.url)
    tell(engine)
    monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", "")
    settings.cache_clear()
    deliver_due(engine)
    assert receiver.received == []
    with engine.connect() as connection:
        [failure] = connection.execute(sa.select(attempts.c.failure)).scalars()
    assert "FetchRefused" in failure


def test_a_deleted_resource_is_forgotten(engine: sa.Engine, receiver: Receiver) -> None:
    add(engine, receiver.url, "key:a", TOLD, "verification.deleted")
    tell(engine)
    with engine.begin() as connection:
        publish(connection, "verification.deleted", "v1", owner="key:a")
    deliver_due(engine)
    [(_, body)] = receiver.received
    assert b'"verification.deleted"' in body
    assert b"category" not in body
    with engine.begin() as connection:
        forget(connection, "v1")
    assert count(engine, messages) == count(engine, deliveries) == count(engine, attempts) == 0


def test_the_log_is_not_kept_for_ever(engine: sa.Engine, receiver: Receiver) -> None:
    add(engine, receiver.url)
    tell(engine)
    deliver_due(engine)
    assert prune(engine) == 0
    with time_machine.travel(time.time() + 31 * 24 * 3600):
        assert prune(engine) == 1
    assert count(engine, attempts) == 0


def test_the_operations(api: TestClient, engine: sa.Engine, receiver: Receiver) -> None:
    new = {"url": receiver.url, "events": [TOLD, TOLD], "description": "desk"}
    made = api.post("/v1/webhooks", json=new)
    assert made.status_code == 201
    webhook = made.json()
    secret = webhook.pop("secret")
    assert secret.startswith("whsec_")
    address = f"/v1/webhooks/{webhook['id']}"
    assert webhook["events"] == [TOLD]
    assert api.get(address).json() == webhook
    assert api.get("/v1/webhooks").json() == {"items": [webhook]}

    queued = api.post(f"{address}/test")
    assert queued.status_code == 202
    deliver_due(engine)
    [(headers, body)] = receiver.received
    assert Webhook(secret).verify(body, headers)["type"] == "webhook.test"
    [delivery] = api.get(f"{address}/deliveries").json()["items"]
    assert delivery["id"] == queued.json()["delivery"]
    assert delivery["status"] == "delivered"
    assert delivery["attempts"][0]["status"] == 204

    again = api.post(f"{address}/deliveries/{delivery['id']}/replay")
    assert again.status_code == 202
    deliver_due(engine)
    assert receiver.received[1][1] == body
    assert receiver.received[1][0]["Webhook-Id"] == headers["Webhook-Id"]

    changed = api.patch(address, json={"enabled": False}).json()
    assert changed["enabled"] is False
    tell(engine, owner="anonymous")
    assert deliver_due(engine) == 0

    assert api.delete(address).status_code == 204
    gone = api.get(address)
    assert gone.status_code == 404
    assert gone.json()["type"] == "urn:assay:problem:unknown-webhook"
    assert count(engine, endpoints) == count(engine, attempts) == 0


def test_both_secrets_sign_after_a_rotation(
    api: TestClient, engine: sa.Engine, receiver: Receiver
) -> None:
    made = api.post("/v1/webhooks", json={"url": receiver.url, "events": [TOLD]}).json()
    new = api.post(f"/v1/webhooks/{made['id']}/secret").json()["secret"]
    tell(engine)
    deliver_due(engine)
    [(headers, body)] = receiver.received
    for secret in (made["secret"], new):
        Webhook(secret).verify(body, headers)
    with time_machine.travel(time.time() + 25 * 3600):
        tell(engine, "v2")
        deliver_due(engine)
        headers, body = receiver.received[1]
        Webhook(new).verify(body, headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(made["secret"]).verify(body, headers)


def test_what_failed_is_sent_again_on_request(
    api: TestClient, engine: sa.Engine, receiver: Receiver
) -> None:
    made = api.post("/v1/webhooks", json={"url": receiver.url, "events": [TOLD]}).json()
    tell(engine, "v1")
    tell(engine, "v2")
    with engine.begin() as connection:
        connection.execute(deliveries.update().values(status="failed", due=None))
    request = {"since": "2020-01-01T00:00:00Z"}
    for expected in (2, 0):
        answer = api.post(f"/v1/webhooks/{made['id']}/replay", json=request)
        assert answer.json() == {"messages": expected}
    assert deliver_due(engine) == 2


def test_the_log_is_paged(api: TestClient, engine: sa.Engine, receiver: Receiver) -> None:
    made = api.post("/v1/webhooks", json={"url": receiver.url, "events": [TOLD]}).json()
    for number in range(5):
        tell(engine, f"v{number}")
    seen, cursor = [], {}
    while True:
        page = api.get(
            f"/v1/webhooks/{made['id']}/deliveries", params={"limit": 2, **cursor}
        ).json()
        seen += [item["subject"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert seen == ["v4", "v3", "v2", "v1", "v0"]


@pytest.mark.parametrize(
    "change",
    [
        {"url": "ftp://example.org/x"},
        {"url": "http://127.0.0.1:1/x"},
        {"url": "http://169.254.169.254/latest"},
        {"events": []},
        {"events": ["everything"]},
        {"secret": "mine"},
    ],
)
def test_what_is_refused(api: TestClient, receiver: Receiver, change: dict[str, object]) -> None:
    answer = api.post("/v1/webhooks", json={"url": receiver.url, "events": [TOLD], **change})
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert api.get("/v1/webhooks").json() == {"items": []}


def test_the_service_tells_what_happens(
    service: Any, receiver: Receiver, flower: np.ndarray
) -> None:
    """From an upload over HTTP to a signed delivery, with nothing called by hand."""
    picture = {"file": ("flower.jpg", encode_jpeg(flower, 87))}
    with httpx.Client(base_url=service.address, timeout=60) as client:
        events = ["verification.completed", "verification.deleted", "signature.created"]
        made = client.post("/v1/webhooks", json={"url": receiver.url, "events": events}).json()
        done = client.post("/v1/verifications", files=picture, headers={"Prefer": "wait=60"})
        receiver.wait_for(1)
        client.delete(done.headers["location"]).raise_for_status()
        receiver.wait_for(2)
        signed = client.post("/v1/signatures", files=picture)
        receiver.wait_for(3)
        client.delete(f"/v1/webhooks/{made['id']}")
    told = [Webhook(made["secret"]).verify(body, headers) for headers, body in receiver.received]
    assert [event["type"] for event in told] == events
    id = done.headers["assay-verification-id"]
    assert told[0]["data"] == {"id": id, "category": done.json()["verdict"]["category"]}
    assert told[1]["data"] == {"id": id}
    assert told[2]["data"]["manifest"] == signed.headers["assay-manifest"]


def test_nobody_sees_the_webhooks_of_others(api: TestClient, receiver: Receiver) -> None:
    keys = KeyStore(open_database())
    _, desk = keys.create("desk", ["verify"])
    _, stranger = keys.create("stranger", ["verify"])
    new = {"url": receiver.url, "events": [TOLD]}
    mine = {"Authorization": f"Bearer {desk}"}
    theirs = {"Authorization": f"Bearer {stranger}"}
    made: httpx.Response = api.post("/v1/webhooks", json=new, headers=mine)
    address = f"/v1/webhooks/{made.json()['id']}"
    assert made.json()["everything"] is False
    assert api.get(address, headers=mine).status_code == 200
    assert api.get(address, headers=theirs).status_code == 404
    assert api.get("/v1/webhooks", headers=theirs).json() == {"items": []}
    assert api.delete(address, headers=theirs).status_code == 404
    assert api.get("/v1/webhooks").json()["items"] != []  # whoever may everything

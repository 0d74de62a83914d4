"""`POST /v1/verifications` on a real server."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import numpy as np
import pytest

import assay
from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.encoding import encode_jpeg, encode_png
from assay.evidence import Verification
from assay.provenance.signing import embed
from assay.settings import settings
from tests.loopback import serve
from tests.provenance.conftest import generated
from tests.provenance.samples import sample

URL = "/v1/verifications"


def post(client: httpx.Client, data: bytes, name: str = "upload.png") -> httpx.Response:
    return client.post(URL, files={"file": (name, data)})


def test_a_signed_picture(client: httpx.Client, astronaut: np.ndarray) -> None:
    signed = assay.sign(astronaut)
    response = post(client, signed.media.data)

    verification = Verification.model_validate(response.json())
    assert response.status_code == 200
    assert response.json()["schema"] == "assay.verification/1"
    assert verification.verdict.category == "generated"
    assert verification.media.sha256 == signed.receipt.sha256_after


def test_the_name_of_an_upload_does_not_matter(client: httpx.Client, chelsea: np.ndarray) -> None:
    response = post(client, encode_jpeg(chelsea, 90), name="cat.png")
    assert response.status_code == 200
    assert response.json()["media"]["media_type"] == "image/jpeg"


REFUSED = [
    (b"", 422, "input-refused"),
    (b"not a picture at all", 415, "unsupported-media"),
    (encode_png(np.zeros((4, 4, 3), np.uint8)), 413, "limit-exceeded"),
    (encode_png(np.zeros((64, 64, 3), np.uint8))[:60], 422, "damaged-media"),
    (encode_png(np.zeros((64, 64, 3), np.uint8)) + b"PK\x03\x04", 422, "polyglot-file"),
]


def test_problems(client: httpx.Client) -> None:
    for data, status, code in REFUSED:
        response = post(client, data)

        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["type"] == f"urn:assay:problem:{code}"
        assert response.json()["status"] == status


def test_a_request_without_a_file(client: httpx.Client) -> None:
    response = client.post(URL, data={"note": "nothing attached"})
    assert response.status_code == 422
    assert response.json()["type"] == "urn:assay:problem:invalid-request"


def test_an_unknown_address(client: httpx.Client) -> None:
    response = client.get("/v1/nothing")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_a_declared_length_over_the_limit_is_refused(client: httpx.Client) -> None:
    response = post(client, bytes(101_000_000))
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_a_body_that_grows_over_the_limit_is_cut_off(client: httpx.Client) -> None:
    def body() -> Iterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        for _ in range(103):
            yield bytes(1_000_000)

    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    response = client.post(URL, content=body(), headers=headers)

    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"


def test_the_description_names_the_operation(client: httpx.Client) -> None:
    operation = client.get("/openapi.json").json()["paths"][URL]["post"]
    assert set(operation["responses"]) >= {"200", "413", "415", "422", "503"}


def test_the_resource(client: httpx.Client, chelsea: np.ndarray) -> None:
    picture = encode_png(np.ascontiguousarray(chelsea[:96, :96]))
    response = post(client, picture, name="../../etc/cat.png")
    location = response.headers["location"]

    assert location == f"{URL}/{response.headers['assay-verification-id']}"
    found = client.get(location).json()
    assert found["status"] == "done"
    assert found["name"] == "cat.png"
    assert found["sha256"] == hashlib.sha256(picture).hexdigest()
    assert found["verification"] == response.json()
    assert found["category"] == response.json()["verdict"]["category"]
    assert found["problem"] is None

    page = client.get(f"{location}/report.html")
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "data:image/png;base64" in page.text
    saved = client.get(f"{location}/report.json")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert saved.json() == response.json()

    checked = client.post(
        "/v1/media:check", json={"sha256": [found["sha256"], "0" * 64, "0" * 64]}
    ).json()
    assert checked == {
        "known": [{"sha256": found["sha256"], "verification": found["id"]}],
        "unknown": ["0" * 64],
    }


def test_events_continue_where_they_were_left(client: httpx.Client, chelsea: np.ndarray) -> None:
    picture = encode_png(np.ascontiguousarray(chelsea[:96, :96]))
    response = client.post(
        URL, files={"file": ("cat.png", picture)}, headers={"Prefer": "respond-async"}
    )
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    assert response.json() == {
        "id": response.headers["assay-verification-id"],
        "status": "queued",
    }
    location = response.headers["location"]

    first = events(client, location)  # follows the examination as it happens
    assert [number for number, _, _ in first] == list(range(1, len(first) + 1))
    assert first[0][1] == "started"
    assert [data["examiner"] for _, kind, data in first if kind == "examined"] == first[0][2][
        "examiners"
    ]
    assert first[-1][1] == "done"
    assert events(client, location, after="3") == first[3:]
    assert events(client, location, after="nonsense") == first


def events(
    client: httpx.Client, location: str, after: str | None = None
) -> list[tuple[int, str, dict[str, object]]]:
    """Every event of a stream until it ends."""
    headers = {"Last-Event-ID": after} if after else {}
    with client.stream("GET", f"{location}/events", headers=headers) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(stream.iter_text()).split("\n\n")
    found = []
    for block in blocks:
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "id" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def test_a_refused_file_is_remembered_without_its_content(client: httpx.Client) -> None:
    damaged = encode_png(np.zeros((64, 64, 3), np.uint8))[:60]
    response = post(client, damaged)
    assert response.status_code == 422

    found = client.get(response.headers["location"]).json()
    assert found["status"] == "failed"
    assert found["verification"] is None
    assert found["problem"]["type"] == "urn:assay:problem:damaged-media"
    assert events(client, response.headers["location"])[-1][1] == "failed"
    report = client.get(f"{response.headers['location']}/report.html")
    assert report.status_code == 409


def test_pages_of_a_list(client: httpx.Client, chelsea: np.ndarray) -> None:
    picture = encode_png(np.ascontiguousarray(chelsea[:64, :64]))
    ids = [post(client, picture).headers["assay-verification-id"] for _ in range(3)]

    first = client.get(URL, params={"limit": 2}).json()
    second = client.get(URL, params={"limit": 2, "cursor": first["next"]}).json()

    assert [item["id"] for item in first["items"] + second["items"]] == ids[::-1]
    assert second["next"] is None
    for item in first["items"]:
        began, ended = (datetime.fromisoformat(item[name]) for name in ("created", "finished"))
        assert began.tzinfo is not None
        assert timedelta(0) < ended - began < timedelta(minutes=5)
    assert client.get(URL, params={"cursor": "x"}).status_code == 422


def test_no_waiting(client: httpx.Client, chelsea: np.ndarray) -> None:
    for prefer in ("wait=0", "respond-async", "respond-async, wait=0"):
        response = client.post(
            URL, files={"file": ("cat.png", encode_png(chelsea))}, headers={"Prefer": prefer}
        )
        assert response.status_code == 202
    report = client.get(f"{response.headers['location']}/report.json")
    assert report.status_code == 409
    assert report.json()["type"] == "urn:assay:problem:not-finished"


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_an_unknown_verification(client: httpx.Client, method: str) -> None:
    for id in ("0" * 32, "../../etc", "%00"):
        assert client.request(method, f"{URL}/{id}").status_code in (404, 422)


def test_callers_see_their_own(
    client: httpx.Client, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_AUTH", "required")
    settings.cache_clear()
    keys = KeyStore(open_database())
    mine, theirs = ({"Authorization": f"Bearer {keys.create(n, ['verify'])[1]}"} for n in "ab")
    picture = encode_png(np.ascontiguousarray(chelsea[:64, :64]))
    upload = {"file": ("cat.png", picture)}

    assert client.post(URL, files=upload).status_code == 401
    location = client.post(URL, files=upload, headers=mine).headers["location"]

    hashes = {"sha256": [hashlib.sha256(picture).hexdigest()]}
    for headers, status, known in [(mine, 200, 1), (theirs, 404, 0)]:
        for part in ("", "/events", "/report.html", "/report.json"):
            assert client.get(location + part, headers=headers).status_code == status
        listed = client.get(URL, headers=headers).json()["items"]
        checked = client.post("/v1/media:check", json=hashes, headers=headers).json()
        assert len(listed) == len(checked["known"]) == known
    assert client.delete(location, headers=theirs).status_code == 404
    assert client.delete(location, headers=mine).status_code == 204


def test_addresses_are_not_fetched_unless_allowed(client: httpx.Client) -> None:
    for sent in ({"json": {"url": "http://127.0.0.1/"}}, {"data": {"url": "http://127.0.0.1/"}}):
        response = client.post(URL, **sent)  # type: ignore[arg-type]
        assert response.status_code == 403
        assert response.json()["type"] == "urn:assay:problem:url-input-off"


def test_an_address_is_fetched_where_allowed(
    client: httpx.Client, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as remote:
        monkeypatch.setenv("ASSAY_ALLOW_URL_INPUT", "true")
        settings.cache_clear()
        inwards = client.post(URL, json={"url": remote.url("/cat.png")})
        assert inwards.status_code == 422
        assert inwards.json()["type"] == "urn:assay:problem:fetch-refused"
        assert remote.seen == []

        monkeypatch.setenv("ASSAY_FETCH_ALLOWED_HOSTS", remote.host)
        settings.cache_clear()
        picture = encode_png(np.ascontiguousarray(chelsea[:64, :64]))
        remote.pages["/a%20cat.png"] = (200, {}, picture)
        fetched = client.post(URL, json={"url": remote.url("/a%20cat.png")})
        assert fetched.status_code == 200
        assert fetched.json()["media"]["name"] == "a cat.png"
        assert client.post(URL, json={"url": remote.url("/nothing")}).status_code == 422
        assert client.post(URL, json={"address": "x"}).status_code == 422


def test_health(client: httpx.Client) -> None:
    assert client.get("/healthz").json()["status"] == "ok"


def test_the_credentials_of_a_document(client: httpx.Client) -> None:
    """A PDF has no pixels, and its manifest holds all the same: the service's own reports."""
    signed, _ = embed(sample("application/pdf"), "application/pdf", generated())
    response = post(client, signed, "report.pdf").raise_for_status()
    verification = Verification.model_validate(response.json())
    assert verification.media.media_type == "application/pdf"
    assert verification.verdict.category == "generated"
    assert {item.what for item in verification.verdict.not_scored} >= {"watermark", "detector"}
    address = "/verifications/" + response.headers["assay-verification-id"]
    page = client.get(address)
    assert page.status_code == 200
    assert "thumbnail.png" not in page.text
    assert "their signer is on the trust list" in page.text
    assert client.get(f"{address}/pictures/thumbnail.png").status_code == 404

    tampered = post(client, signed.replace(b"%%EOF", b"%%EOG"), "report.pdf").json()
    assert tampered["verdict"]["category"] == "altered"


def test_a_refusal_names_the_file(client: httpx.Client) -> None:
    response = post(client, b"nothing that could be a picture", "garbage.jpg")
    assert response.status_code == 415
    assert response.json()["detail"].startswith("garbage.jpg: not a picture")


def test_a_damaged_file_is_told_in_full(client: httpx.Client, chelsea: np.ndarray) -> None:
    damaged = encode_jpeg(chelsea, 90)[:3000]
    problem = post(client, damaged, "half.jpg").json()
    assert problem["type"] == "urn:assay:problem:damaged-media"
    assert problem["detail"].startswith("half.jpg")
    assert problem["instance"] == URL
    assert problem["advice"]


def test_a_video_is_not_called_a_picture(client: httpx.Client, video: Path) -> None:
    response = post(client, video.read_bytes(), "pan.mp4").raise_for_status()
    page = client.get("/verifications/" + response.headers["assay-verification-id"])
    assert "The frame of the examined video, reduced" in page.text
    assert "examined picture" not in page.text

"""`POST /v1/verifications` on a real server."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import numpy as np
import pytest

import assay
from assay.encoding import encode_jpeg, encode_png
from assay.evidence import Verification

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


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"", 422, "input-refused"),
        (b"not a picture at all", 415, "unsupported-media"),
        (encode_png(np.zeros((4, 4, 3), np.uint8)), 413, "limit-exceeded"),
        (encode_png(np.zeros((64, 64, 3), np.uint8))[:60], 422, "damaged-media"),
        (encode_png(np.zeros((64, 64, 3), np.uint8)) + b"PK\x03\x04", 422, "polyglot-file"),
    ],
)
def test_problems(client: httpx.Client, data: bytes, status: int, code: str) -> None:
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


def test_health(client: httpx.Client) -> None:
    assert client.get("/healthz").json()["status"] == "ok"

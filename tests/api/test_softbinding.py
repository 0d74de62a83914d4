"""The Soft Binding Resolution API on a real server: a stripped copy leads to its manifest."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import pytest

import assay
from assay.encoding import encode_jpeg
from assay.provenance.vocabulary import WATERMARK_ALGORITHM

API = "/c2pa/sbr/v1"


@pytest.fixture
def signed(client: httpx.Client, astronaut: np.ndarray) -> assay.Signed:
    return assay.sign(astronaut)


def encoded(signed: assay.Signed) -> str:
    assert signed.receipt.payload is not None
    return base64.b64encode(signed.receipt.payload.encode()).decode()


def test_by_binding(client: httpx.Client, signed: assay.Signed) -> None:
    query = {"alg": WATERMARK_ALGORITHM, "value": encoded(signed)}
    expected = {"matches": [{"manifestId": signed.receipt.manifest_label}]}

    assert client.get(f"{API}/matches/byBinding", params=query).json() == expected
    assert client.post(f"{API}/matches/byBinding", json=query).json() == expected


def test_by_content_decodes_a_stripped_copy(client: httpx.Client, signed: assay.Signed) -> None:
    copy = encode_jpeg(signed.media.pixels(), 70)
    response = client.post(
        f"{API}/matches/byContent", content=copy, headers={"Content-Type": "image/jpeg"}
    )
    [match, *_] = response.json()["matches"]
    assert match["manifestId"] == signed.receipt.manifest_label
    assert 0 <= match["similarityScore"] <= 100


def test_the_manifest_itself(client: httpx.Client, signed: assay.Signed) -> None:
    label = signed.receipt.manifest_label
    response = client.get(f"{API}/manifests/{label}")

    assert response.headers["content-type"] == "application/c2pa"
    assert label.encode() in response.content


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("matches/byBinding?alg=org.nobody.knows&value=AAAA", 400),
        (f"matches/byBinding?alg={WATERMARK_ALGORITHM}&value=!!!", 400),
        (f"matches/byBinding?alg={WATERMARK_ALGORITHM}", 422),
        ("manifests/urn:c2pa:00000000-0000-4000-8000-000000000000", 404),
    ],
)
def test_problems(client: httpx.Client, path: str, status: int) -> None:
    response = client.get(f"{API}/{path}")
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"


def test_content_that_is_no_media(client: httpx.Client) -> None:
    assert client.post(f"{API}/matches/byContent", content=b"text").status_code == 415


def test_discovery(client: httpx.Client) -> None:
    algorithms = client.get(f"{API}/services/supportedAlgorithms").json()
    assert {"alg": WATERMARK_ALGORITHM} in algorithms["watermarks"]
    assert client.get(f"{API}/services/status").json() == {"status": "ok"}
    assert (
        "queryByContent"
        in client.get(f"{API}/services/capabilities").json()["supportedCapabilities"]
    )
    known = client.get("/.well-known/c2pa-soft-binding-resolution").json()
    assert known["apiEndpoint"].endswith(API)

"""The service says when it is busy, instead of running out of memory."""

from __future__ import annotations

import threading

import httpx
import numpy as np
import pytest

from assay.api import capacity
from assay.encoding import encode_png


def test_a_busy_service_says_so(
    client: httpx.Client, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WAIT_SECONDS", 0.05)
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(capacity, "_slots", taken)

    files = {"file": ("cat.png", encode_png(chelsea))}
    response = client.post("/v1/verifications", files=files)
    page = client.post("/", files=files)

    assert response.status_code == page.status_code == 503
    assert response.json()["type"] == "urn:assay:problem:busy"
    assert response.headers["retry-after"] == "60"
    assert "too many examinations" in page.text


def test_the_place_is_given_back_after_a_refusal(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_slots", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert client.post("/v1/verifications", files={"file": ("a", b"text")}).status_code == 415

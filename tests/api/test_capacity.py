"""The service says when it is busy, instead of running out of memory."""

from __future__ import annotations

import threading

import httpx
import numpy as np
import pytest

from assay.api import capacity
from assay.encoding import encode_png
from assay.settings import settings

RESOLVE = "/c2pa/sbr/v1/matches/byContent"


def test_a_busy_service_says_so(
    client: httpx.Client, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "WAIT_SECONDS", 0.05)
    taken = threading.BoundedSemaphore(1)
    taken.acquire()
    monkeypatch.setattr(capacity, "_slots", taken)

    response = client.post(RESOLVE, content=encode_png(chelsea))

    assert response.status_code == 503
    assert response.json()["type"] == "urn:assay:problem:busy"
    assert response.headers["retry-after"] == "60"


def test_the_place_is_given_back_after_a_refusal(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_slots", threading.BoundedSemaphore(1))
    for _ in range(3):
        assert client.post(RESOLVE, content=b"text").status_code == 415


def test_a_full_queue_says_so(
    client: httpx.Client, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_MAX_QUEUED", "1")
    settings.cache_clear()
    upload = {"file": ("cat.png", encode_png(chelsea))}
    at_once = {"Prefer": "respond-async"}

    first = client.post("/v1/verifications", files=upload, headers=at_once)
    second = client.post("/v1/verifications", files=upload, headers=at_once)

    assert first.status_code == 202
    assert second.status_code == 503
    assert second.json()["type"] == "urn:assay:problem:busy"
    assert second.headers["retry-after"] == "60"

"""After DELETE nothing of a verification is left in any file of the service."""

from __future__ import annotations

import hashlib
from pathlib import Path

import httpx
import numpy as np
import pytest

from assay.api.media_store import MediaStore
from assay.encoding import encode_png
from tests.api.processes import serving
from tests.faults.failing_store import failing_store

NAME = "whistleblower-at-the-harbour.png"
OTHER = "kept-picture.png"


def leftovers(home: Path, needles: list[bytes]) -> list[tuple[str, bytes]]:
    """Files below the home that contain any of the needles."""
    return [
        (str(path.relative_to(home)), needle[:40])
        for path in sorted(home.rglob("*"))
        if path.is_file()
        for needle in needles
        if needle in path.read_bytes()
    ]


def test_nothing_is_left(isolated_home: Path, chelsea: np.ndarray) -> None:
    picture = encode_png(np.ascontiguousarray(chelsea[:96, :128]))
    other = encode_png(np.ascontiguousarray(chelsea[96:192, :128]))
    digest = hashlib.sha256(picture)
    needles = [
        NAME.encode(),
        digest.hexdigest().encode(),
        digest.digest(),
        *(picture[at : at + 64] for at in range(200, len(picture) - 64, 5000)),
    ]
    with serving(log=isolated_home / "serve.log") as client:
        locations = []
        for name, data in [(OTHER, other), (NAME, picture), (NAME, picture)]:
            response = client.post(
                "/v1/verifications",
                files={"file": (name, data)},
                headers={"Idempotency-Key": f"key {len(locations)}", "Prefer": "wait=60"},
            )
            assert response.status_code == 200, response.text
            locations.append(response.headers["location"])
            for part in ("", "/report.html", "/report.json", "/events"):
                assert client.get(response.headers["location"] + part).status_code == 200
        checked = client.post("/v1/media:check", json={"sha256": [digest.hexdigest()]}).json()
        assert [known["sha256"] for known in checked["known"]] == [digest.hexdigest()]
        assert {place.split("/")[0] for place, _ in leftovers(isolated_home, needles)} == {
            "media",
            "service.sqlite-wal",
        }, "the search finds what is there"

        for location in locations[1:]:
            assert client.delete(location).status_code == 204
        assert leftovers(isolated_home, needles) == []
        assert client.get(locations[0]).json()["name"] == OTHER
    assert leftovers(isolated_home, needles) == []
    assert leftovers(isolated_home, [OTHER.encode()]) != []


def test_nothing_is_left_of_a_direct_upload(
    isolated_home: Path, chelsea: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither in the files of the service, nor in the bucket, nor of the address to put it."""
    picture = encode_png(np.ascontiguousarray(chelsea[:96, :128]))
    digest = hashlib.sha256(picture)
    with failing_store(monkeypatch) as (url, _):
        monkeypatch.setenv("ASSAY_MEDIA_URL", url)
        with serving("--role", "api", log=isolated_home / "serve.log") as client:
            headers = {"Idempotency-Key": "one", "Prefer": "respond-async"}
            given = client.post("/v1/uploads", json={"name": NAME}, headers=headers).json()
            httpx.put(given["url"], content=picture).raise_for_status()
            headers["Idempotency-Key"] = "two"
            accepted = client.post(
                "/v1/verifications", json={"upload": given["id"]}, headers=headers
            )
            assert accepted.status_code == 202, accepted.text
            signature = given["url"].rpartition("Signature=")[2]
            needles = [NAME, digest.hexdigest(), signature]
            found = leftovers(isolated_home, [needle.encode() for needle in needles])
            assert {needle.decode() for _, needle in found} == {each[:40] for each in needles}
            assert client.delete(accepted.headers["location"]).status_code == 204
            assert leftovers(isolated_home, [needle.encode() for needle in needles]) == []
            assert MediaStore.open(url).keys() == []

"""A full disk: a clear refusal, nothing half-written, and all is well once there is room."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.encoding import encode_png
from assay.errors import OutputRefused
from assay.media import Media
from assay.provenance import keys
from assay.provenance.marking import sign
from assay.provenance.reading import read
from assay.settings import settings
from tests.api.processes import serving

_SIZE = 24_000_000  # bytes; databases, keys and a few pictures


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own in memory, which needs root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)]
    try:
        subprocess.run(["mount", *options], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system may be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


class Filler:
    """A file that takes all the room."""

    def __init__(self, disk: Path) -> None:
        self._path = disk / "filler"

    def fill(self, leaving: int = 0) -> None:
        found = os.statvfs(self._path.parent)
        with self._path.open("wb") as file:
            file.write(bytes(found.f_bavail * found.f_frsize - leaving))

    def remove(self) -> None:
        self._path.unlink()


def visible(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.fixture
def noise() -> bytes:
    """A PNG that does not compress: 0.8 MB."""
    return encode_png(np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8))


def test_signing(disk: Path, noise: bytes) -> None:
    keys.init()
    source, out = disk / "source.png", disk / "out"
    source.write_bytes(noise)
    out.mkdir()
    filler = Filler(disk)
    filler.fill(leaving=200_000)  # room for a beginning of the file
    with pytest.raises(OutputRefused) as refused:
        sign(source, out=out / "signed.png", watermark=False)
    assert "space" in refused.value.message.lower()
    assert visible(out) == set()

    filler.remove()
    sign(source, out=out / "signed.png", watermark=False)
    assert visible(out) == {"signed.png"}
    assert read(Media.open(out / "signed.png")).state == "trusted"


def test_scanning(disk: Path, chelsea: np.ndarray, tmp_path: Path) -> None:
    source, out = tmp_path / "source", disk / "out"
    source.mkdir()
    for number in range(4):
        tile = chelsea[:64, 64 * number : 64 * number + 64]
        (source / f"{number}.png").write_bytes(encode_png(np.ascontiguousarray(tile)))

    def scan() -> subprocess.CompletedProcess[str]:
        program = "from assay.cli import main; main()"
        arguments = ["scan", str(source), "-o", str(out), "--task", "fingerprint"]
        arguments += ["--workers", "1", "--shard-files", "2"]
        return subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True
        )

    filler = Filler(disk)
    filler.fill()
    full = scan()
    assert full.returncode == 3, full.stderr
    assert "Traceback" not in full.stderr
    assert not [path for path in out.glob("**/[!.]*") if path.is_file()]

    filler.remove()
    again = scan()
    assert again.returncode == 0, again.stderr
    assert {"report.html", "summary.json"} <= visible(out)


def test_a_service(
    disk: Path, noise: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_HOME", str(disk / "home"))
    monkeypatch.setenv("ASSAY_WORKERS", "1")
    settings.cache_clear()
    keys.init()
    filler = Filler(disk)
    with serving(log=tmp_path / "serve.log") as client:

        def post(path: str, **more: str) -> int:
            answer = client.post(
                path,
                files={"file": ("noise.png", noise)},
                data={"watermark": "false"} if "signatures" in path else None,
                headers={"Prefer": "respond-async", **more},
            )
            return answer.status_code

        once = {"Idempotency-Key": "one"}
        assert post("/v1/verifications") == 202
        filler.fill(leaving=200_000)
        kept = visible(disk / "home" / "media")
        full = [post("/v1/verifications"), post("/v1/signatures", **once)]
        print(f"with a full disk: {full}")
        assert set(full) <= {500, 503}
        assert visible(disk / "home" / "media") == kept

        filler.remove()
        began = time.monotonic()
        while post("/v1/signatures", **once) != 201:
            assert time.monotonic() - began < 30
            time.sleep(0.2)
        assert post("/v1/verifications") == 202
        print(f"signs and accepts again {time.monotonic() - began:.1f} s after there was room")
        while any(item["status"] != "done" for item in listed(client)):
            assert time.monotonic() - began < 60
            time.sleep(0.2)
        assert len(listed(client)) == 2
        assert len(client.get("/v1/signatures").json()["items"]) == 1


def listed(client: object) -> list[dict[str, str]]:
    return client.get("/v1/verifications").json()["items"]  # type: ignore[attr-defined]

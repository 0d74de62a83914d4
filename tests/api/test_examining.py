"""A child that crashes, hangs or runs out of memory costs one job a clear answer."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from assay.api import examining
from assay.api.examining import Examined, Pool, Refused, Stopped, pool
from assay.encoding import encode_png
from assay.errors import DamagedMedia
from assay.evidence import Verification
from assay.settings import settings
from tests.api import hostile


@pytest.fixture
def one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pool]:
    """A pool of one child in which the hostile plug-in is installed."""
    monkeypatch.syspath_prepend(hostile.install(tmp_path))
    monkeypatch.setenv("ASSAY_EXAMINE_SECONDS", "6")
    settings.cache_clear()
    made = Pool(1, warm=False)
    yield made
    made.close()


@pytest.fixture
def picture(chelsea: np.ndarray) -> bytes:
    return encode_png(np.ascontiguousarray(chelsea[100:180, 100:180]))


def examine(pool: Pool, data: bytes, name: str, **options: Any) -> Examined:
    with opened(data) as file:
        sha256 = hashlib.sha256(data).hexdigest()
        return examining.examine(pool, file, name=name, sha256=sha256, size=len(data), **options)


@contextmanager
def opened(data: bytes) -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        yield file


def test_whatever_a_file_does_costs_only_its_own_job(one: Pool, picture: bytes) -> None:
    whole = examine(one, picture, "good.png")
    assert whole.survived

    for name, reason in [
        ("segfault.png", "ended by SIGSEGV"),
        ("killed.png", "ended by SIGKILL"),
        ("hang.png", "took over 6 s"),
    ]:
        examined = examine(one, picture, name)
        verification = Verification.model_validate_json(examined.verification)
        missing = {each.what: each.why for each in verification.verdict.not_scored}

        assert not examined.survived
        assert reason in missing["hostile"]
        assert "not reached" in missing["watermark"]
        assert {"c2pa", "detector"}.isdisjoint(missing)  # they were finished by then
        assert verification.media.sha256 == hashlib.sha256(picture).hexdigest()
        assert (verification.media.width, verification.media.height) == (80, 80)
        assert verification.verdict.category in ("inconclusive", "no-evidence")

    again = examine(one, picture, "good.png")
    assert again.survived
    assert again.category == whole.category


def test_memory_is_limited(one: Pool, picture: bytes) -> None:
    examined = examine(one, picture, "memory.png")
    verification = Verification.model_validate_json(examined.verification)

    assert examined.survived  # the examiner failed, the child did not
    assert "hostile" in {each.what for each in verification.verdict.not_scored}


def test_a_child_that_dies_before_it_opened_the_file(
    one: Pool, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_EXAMINE_MEMORY", "1")  # nothing can be allocated
    examined = examine(one, picture, "good.png")
    verification = Verification.model_validate_json(examined.verification)

    assert not examined.survived
    assert verification.media.media_type == "image/png"
    assert len(verification.verdict.not_scored) >= 6


def test_a_refused_file_does_not_cost_the_child(one: Pool, picture: bytes) -> None:
    examine(one, picture, "good.png")
    [child] = one._idle
    with pytest.raises(Refused) as refused:
        examine(one, picture[:200], "half.png")
    assert type(refused.value.error) is DamagedMedia
    assert one._idle == [child]


def test_progress_is_told_and_can_stop_the_examination(one: Pool, picture: bytes) -> None:
    told: list[str] = []

    def follow(examiner: str, evidence: list[dict[str, Any]]) -> bool:
        told.append(examiner)
        return examiner != "fingerprint"

    with pytest.raises(Stopped):
        examine(one, picture, "good.png", progress=follow)
    assert told == ["c2pa", "detector", "faces", "fingerprint"]


def test_a_used_up_child_is_replaced(
    one: Pool, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "RECYCLE_JOBS", 2)
    examine(one, picture, "good.png")
    [first] = one._idle
    examine(one, picture, "good.png")
    assert not first.is_alive
    assert examine(one, picture, "good.png").survived


def test_pictures_are_made_in_a_child(one: Pool, picture: bytes) -> None:
    with opened(picture) as file:
        png = examining.render(one, file, "thumbnail")
    assert png is not None
    assert png.startswith(b"\x89PNG")
    with opened(picture[:100]) as file:
        assert examining.render(one, file, "thumbnail") is None


def test_children_end_with_their_parent(tmp_path: Path) -> None:
    """kill -9 of the parent leaves no process behind."""
    program = (
        "import sys, time; from assay.api.examining import Pool\n"
        "p = Pool(1, warm=False)\n"
        "with p.child() as c: print(c._process.pid, flush=True); time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
    os.kill(child, 0)
    parent.kill()
    parent.wait()

    end = time.monotonic() + 10
    while _runs(child) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False

"""kill -9 of processes that sign: nothing is released twice, by halves, or without its records."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import pytest
import sqlalchemy as sa

from assay.api.records import open_database
from assay.api.signatures.schema import signatures
from assay.encoding import encode_png
from assay.media import Media
from assay.provenance import keys
from assay.provenance.matching import Registry
from assay.provenance.matching.schema import manifests
from assay.provenance.reading import read
from assay.provenance.transparency import Log, LogProof, check
from assay.settings import settings
from tests.api.processes import serving

_SIGNER = """
import sys
from itertools import count
from pathlib import Path
from assay.files import write_atomically
from assay.provenance.marking import sign

source, out, who = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
for number in count():
    signed = sign(source, out=out / f"{who}-{number}.png", watermark=False)
    write_atomically(out / f"{who}-{number}.json", signed.receipt.model_dump_json())
"""

# Where a process that answers `POST /v1/signatures` dies, in the order of what it does.
_DEATHS = {
    "before the log": "transparency.Log.record",
    "after the log": "matching.Registry.register_manifest",
    "after the registry": "assay.api.reservations.Reservation.answer",
    "after the answer is kept": "starlette.responses.Response.__call__",
}
_MORTAL = """
import os, signal, sys
from importlib import import_module

def die(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)

module, kind, method = sys.argv.pop(1).rsplit(".", 2)
if not module.startswith(("assay", "starlette")):
    module = "assay.provenance." + module
if module == "starlette.responses":
    from starlette.responses import Response
    plain = Response.__call__
    async def call(self, scope, receive, send):
        if scope["method"] == "POST":
            die()
        await plain(self, scope, receive, send)
    Response.__call__ = call
else:
    setattr(getattr(import_module(module), kind), method, die)
from assay.cli import main
main()
"""


@pytest.fixture
def picture(chelsea: np.ndarray) -> bytes:
    return encode_png(np.ascontiguousarray(chelsea[:128, :160]))


def test_the_books_agree_after_kill_9(picture: bytes, tmp_path: Path, isolated_home: Path) -> None:
    keys.init()
    out = tmp_path / "out"
    out.mkdir()
    source = tmp_path / "source.png"
    source.write_bytes(picture)
    drawn = random.Random(5)
    kills = 0
    for turn in range(2):
        began = time.monotonic()
        running = [start_signer(source, out, f"{turn}{who}") for who in "ab"]
        while not list(out.glob(f"{turn}*.png")):
            assert all(each.poll() is None for each in running)
            time.sleep(0.01)
        print(f"signs again {time.monotonic() - began:.1f} s after the start")
        for each in running:
            time.sleep(drawn.uniform(0.05, 0.4))
            each.send_signal(signal.SIGKILL)
            each.wait()
            kills += 1

    released = [path for path in out.glob("*.png") if not path.name.startswith(".")]
    receipts = {path.stem: json.loads(path.read_text()) for path in out.glob("[!.]*.json")}
    with Registry(settings().registry_url) as registry, registry._engine.connect() as connection:
        labels = set(connection.execute(sa.select(manifests.c.label)).scalars())
    log = Log()
    entries = len(list(log.entries()))
    print(
        f"{kills} kills: {len(receipts)} receipts, {len(released)} files, "
        f"{len(labels)} manifests, {entries} log entries"
    )
    assert len(released) >= 2
    told = set()
    for path in released:
        found = read(Media.open(path))
        assert found.state == "trusted"
        assert found.manifest_label in labels
        told.add(found.manifest_label)
    assert len(told) == len(released)  # no manifest was released twice
    for receipt in receipts.values():
        assert receipt["manifest_label"] in told
        proof = LogProof.parse(receipt["log_proof"])
        assert check(proof, receipt["manifest_label"], receipt["sha256_after"], log.key())
    # What a killed process had begun, at most one thing each, was never released.
    assert entries == log.checkpoint().size
    assert log.audit()
    assert len(receipts) <= len(released) <= len(labels) <= entries <= len(receipts) + kills


def start_signer(source: Path, out: Path, who: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", _SIGNER, str(source), str(out), who])


def test_a_key_signs_once_wherever_the_process_dies(
    picture: bytes, tmp_path: Path, isolated_home: Path
) -> None:
    keys.init()
    for number, target in enumerate(_DEATHS.values()):
        with (
            pytest.raises(httpx.TransportError),
            serving("--role", "api", log=tmp_path / "log", program=(_MORTAL, target)) as client,
        ):
            post(client, picture, f"key {number}")
    with serving("--role", "api", log=tmp_path / "log") as client:
        began = time.monotonic()
        answers = [persist(client, picture, f"key {n}") for n in range(len(_DEATHS))]
        print(f"every key was answered {time.monotonic() - began:.1f} s after the start")
        again = [post(client, picture, f"key {n}") for n in range(len(_DEATHS))]
    assert [answer.status_code for answer in answers] == [201] * len(_DEATHS)
    assert [answer.content for answer in again] == [answer.content for answer in answers]
    with open_database().connect() as connection:
        receipts = connection.execute(sa.select(signatures.c.receipt)).scalars().all()
    labels = [json.loads(receipt)["manifest_label"] for receipt in receipts]
    assert sorted(labels) == sorted(answer.headers["assay-manifest"] for answer in answers)


def test_many_at_once_with_one_key_on_postgresql(
    postgres: str, picture: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE_URL", postgres)
    settings.cache_clear()
    keys.init()
    answers: list[httpx.Response] = []
    with serving("--role", "api", log=tmp_path / "log") as client:
        threads = [
            threading.Thread(target=lambda: answers.append(post(client, picture, "one")))
            for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {answer.headers["location"] for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    with open_database().connect() as connection:
        assert len(connection.execute(sa.select(signatures.c.id)).all()) == 1


def post(client: httpx.Client, picture: bytes, key: str) -> httpx.Response:
    return client.post(
        "/v1/signatures",
        files={"file": ("cat.png", picture)},
        data={"watermark": "false"},
        headers={"Idempotency-Key": key},
    )


def persist(client: httpx.Client, picture: bytes, key: str) -> httpx.Response:
    """As a client does that is told to come back later."""
    end = time.monotonic() + 30
    while (answer := post(client, picture, key)).status_code == 409:
        assert time.monotonic() < end, answer.text
        time.sleep(0.2)
    return answer

"""Scans: identity first, shards committed whole, and the same bytes after any kill."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from assay.errors import KeysUnavailable, OutputRefused, UnreadableFile, UnsupportedMedia
from assay.provenance.matching import Registry
from assay.reports.scanning import ScanSummary, scan, tables
from assay.reports.scanning.answering import Question
from assay.reports.scanning.identifying import first_met
from assay.reports.scanning.sources import list_source
from assay.reports.scanning.workers import Workers
from assay.settings import settings


@pytest.fixture
def folder(tmp_path: Path, chelsea: np.ndarray, coffee: np.ndarray) -> Path:
    """Six files: three contents, one of them three times, and one that is no picture."""
    source = tmp_path / "in"
    (source / "again").mkdir(parents=True)
    Image.fromarray(chelsea).save(source / "cat.png")
    Image.fromarray(coffee).save(source / "cup.jpg")
    for name in ("again/cat.png", "zcat.png"):
        (source / name).write_bytes((source / "cat.png").read_bytes())
    (source / "bad.jpg").write_bytes(b"not a picture")
    (source / ".hidden.png").write_bytes(b"hidden")
    (source / "notes.txt").write_text("not media")
    return source


def results(out: Path) -> list[dict[str, object]]:
    return [row for path in sorted((out / "results").iterdir()) for row in tables.read(path)]


def content(out: Path) -> dict[str, bytes]:
    """Every file of a scan's folder but its lock."""
    files = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


class TestScan:
    def test_each_content_is_answered_once(self, folder: Path, tmp_path: Path) -> None:
        out = tmp_path / "out"

        summary = scan(str(folder), out, task="fingerprint", shard_files=2)

        assert (summary.files, summary.distinct) == (5, 3)
        assert summary.answers == {"fingerprinted": 2}
        assert summary.refused == {"unsupported-media": 1}
        rows = results(out)
        assert [Path(str(row["uri"])).name for row in rows] == ["cat.png", "bad.jpg", "cup.jpg"]
        assert str(rows[0]["uri"]).endswith("again/cat.png")
        assert "cup.jpg" in (out / "report.html").read_text()
        assert ScanSummary.model_validate_json((out / "summary.json").read_bytes()) == summary

    def test_verify_keeps_the_whole_verification(self, folder: Path, tmp_path: Path) -> None:
        scan(str(folder), tmp_path / "out", shard_files=3)

        answered = [row for row in results(tmp_path / "out") if not row["error"]]
        assert {row["answer"] for row in answered} <= {"no-evidence", "inconclusive"}
        details = json.loads(str(answered[0]["details"]))
        assert details["media"]["sha256"] == answered[0]["sha256"]
        assert details["evidence"]
        assert "created" not in details

    def test_screen_names_the_work(self, folder: Path, tmp_path: Path) -> None:
        path = tmp_path / "works.sqlite"
        with Registry(path) as registry:
            work = registry.add(folder / "cat.png", {"title": "Cat", "training_opt_out": True})

        summary = scan(
            str(folder), tmp_path / "out", task="screen", options={"registry": str(path)}
        )

        assert summary.answers == {"match": 1, "no-match": 1}
        found = next(row for row in results(tmp_path / "out") if row["answer"] == "match")
        match = json.loads(str(found["details"]))["matches"][0]
        assert (match["work_id"], match["title"], match["training_opt_out"]) == (work, "Cat", True)

    def test_missing_keys_end_the_scan_and_lose_nothing(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What no file can be answered without is no row, a million times over."""
        monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "no keys"))

        with pytest.raises(KeysUnavailable):
            scan(str(folder), tmp_path / "out", task="watermark")

        assert not done(tmp_path / "out")

    def test_another_scan_in_the_same_folder_is_refused(self, folder: Path, tmp_path: Path) -> None:
        scan(str(folder), tmp_path / "out", task="fingerprint")

        with pytest.raises(OutputRefused, match="task 'fingerprint', not 'watermark'"):
            scan(str(folder), tmp_path / "out", task="watermark")

    def test_empty_source(self, tmp_path: Path) -> None:
        (tmp_path / "in").mkdir()

        with pytest.raises(UnreadableFile, match="nothing to scan"):
            scan(str(tmp_path / "in"), tmp_path / "out")

    def test_content_that_changes_meanwhile_is_not_answered(
        self, folder: Path, tmp_path: Path
    ) -> None:
        question = Question(str(folder / "cat.png"), None, "0" * 64, "fingerprint")

        with Workers(1) as workers:
            ((_, row),) = workers.answers([question])

        assert row["error"] == "changed"


class TestSources:
    def test_parquet_list(self, folder: Path, tmp_path: Path) -> None:
        digest = hashlib.sha256((folder / "cup.jpg").read_bytes()).hexdigest()
        rows = [{"uri": "in/cup.jpg", "sha256": digest.upper()}, {"uri": "in/gone.jpg"}]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "list.parquet")

        summary = scan(str(tmp_path / "list.parquet"), tmp_path / "out", task="fingerprint")

        assert summary.answers == {"fingerprinted": 1}
        assert summary.refused == {"unreadable-file": 1}
        assert results(tmp_path / "out")[0]["sha256"] == digest

    def test_list_of_hostile_addresses(self, folder: Path, tmp_path: Path) -> None:
        """Each is refused in its row; none ends the scan."""
        addresses = ["../../etc/passwd", ".", " ", "a\0b", "s3://", "http://127.0.0.1/a.jpg"]
        rows = [{"uri": uri} for uri in [*addresses, "in/cup.jpg"]]
        pq.write_table(pa.Table.from_pylist(rows), tmp_path / "list.parquet")

        summary = scan(str(tmp_path / "list.parquet"), tmp_path / "out", task="fingerprint")

        assert summary.answers == {"fingerprinted": 1}
        assert sum(summary.refused.values()) == len(addresses)
        assert set(summary.refused) <= {"unreadable-file", "unsupported-media"}

    def test_list_without_uri(self, tmp_path: Path) -> None:
        pq.write_table(pa.table({"path": ["a.jpg"]}), tmp_path / "list.parquet")

        with pytest.raises(UnreadableFile, match="no column uri"):
            list(list_source(str(tmp_path / "list.parquet")))

    def test_other_scheme(self) -> None:
        with pytest.raises(UnsupportedMedia, match="not a bucket"):
            list(list_source("http://example.org/list"))

    def test_bucket(
        self,
        folder: Path,
        tmp_path: Path,
        bucket: str,
    ) -> None:
        summary = scan(f"s3://{bucket}/new", tmp_path / "out", task="fingerprint")

        assert (summary.files, summary.answers) == (2, {"fingerprinted": 1})
        assert summary.refused == {"unsupported-media": 1}
        assert results(tmp_path / "out")[1]["uri"] == f"s3://{bucket}/new/cup.jpg"

    @pytest.fixture
    def bucket(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """A bucket of a real S3 server on loopback, with two media files."""
        from moto.server import ThreadedMotoServer

        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        for name, value in {
            "AWS_ENDPOINT_URL": f"http://{host}:{port}",
            "AWS_ALLOW_HTTP": "true",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(name, value)
        import httpx
        from obstore.store import from_url

        name = f"scan-{port}"
        httpx.put(f"http://{host}:{port}/{name}").raise_for_status()
        store = from_url(f"s3://{name}")
        for file in ("cup.jpg", "bad.jpg"):
            store.put(f"new/{file}", (folder / file).read_bytes())
        store.put("other/cat.png", (folder / "cat.png").read_bytes())
        try:
            yield name
        finally:
            server.stop()


class TestFirstMet:
    def test_in_passes_as_in_one(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        chance = random.Random(5)
        digests = [hashlib.sha256(bytes([chance.randrange(40)])).hexdigest() for _ in range(120)]
        for shard in range(4):
            rows = [{"uri": "x", "sha256": d} for d in digests[shard * 30 : shard * 30 + 30]]
            rows[7]["sha256"] = None  # type: ignore[assignment]
            tables.write(tables.part(tmp_path / "files", shard), rows, tables.FILES)
        expected = first_met(tmp_path, 4)
        monkeypatch.setattr("assay.reports.scanning.identifying.ROWS_AT_ONCE", 13)

        first = first_met(tmp_path, 4)

        assert [first(shard).tolist() for shard in range(4)] == [
            expected(shard).tolist() for shard in range(4)
        ]
        met: set[str] = set()
        for shard in range(4):
            for place, is_first in enumerate(first(shard)):
                digest = digests[shard * 30 + place]
                assert is_first == (place == 7 or digest not in met)
                if place != 7:
                    met.add(digest)


class TestWorkers:
    def test_a_file_that_blocks_costs_only_itself(self, folder: Path, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe.jpg")
        questions = [
            Question(str(tmp_path / "pipe.jpg"), None, "0" * 64, "fingerprint"),
            Question(str(folder / "cup.jpg"), None, digest(folder / "cup.jpg"), "fingerprint"),
        ]

        with Workers(1, file_seconds=3.0) as workers:
            rows = dict(workers.answers(questions))

        assert rows[0]["error"] == "too-slow"
        assert rows[1]["answer"]

    def test_a_file_that_crashes_its_worker_costs_only_itself(
        self, folder: Path, tmp_path: Path
    ) -> None:
        """The pipe holds the worker until it is killed, as a crash of a decoder would."""
        os.mkfifo(tmp_path / "pipe.jpg")
        questions = [
            Question(str(tmp_path / "pipe.jpg"), None, "0" * 64, "fingerprint"),
            Question(str(folder / "cup.jpg"), None, digest(folder / "cup.jpg"), "fingerprint"),
        ]
        finished = threading.Event()

        def kill() -> None:
            while not finished.wait(0.2):
                for pid in holding(tmp_path / "pipe.jpg"):
                    os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        try:
            with Workers(1, file_seconds=60.0) as workers:
                rows = dict(workers.answers(questions))
        finally:
            finished.set()
            killer.join()

        assert rows[0]["error"] == "crashed"
        assert rows[1]["answer"]


class TestKilled:
    """kill -9 of driver and workers; then the same command again."""

    @pytest.fixture
    def many(self, tmp_path: Path) -> Path:
        source = tmp_path / "many"
        source.mkdir()
        noise = np.random.default_rng(3)
        for number in range(60):
            small = Image.fromarray(noise.integers(0, 255, (24, 32, 3), dtype=np.uint8))
            small.resize((640, 480)).save(source / f"{number % 45:03d}-{number:03d}.jpg")
        for number in range(45, 60):  # fifteen that repeat another
            copy = source / f"{number % 45:03d}-{number:03d}.jpg"
            copy.write_bytes((source / f"{number - 45:03d}-{number - 45:03d}.jpg").read_bytes())
        return source

    def test_ends_with_the_same_bytes(self, many: Path, tmp_path: Path) -> None:
        expected = tmp_path / "expected"
        start(many, expected).wait(120)
        chance = random.Random(11)
        out = tmp_path / "out"
        redone = []

        for _ in range(40):
            before = done(out)
            process = start(many, out)
            deadline = time.monotonic() + chance.uniform(1.5, 5.0)
            while time.monotonic() < deadline and process.poll() is None:
                time.sleep(0.05)
                if chance.random() < 0.03:
                    kill_a_child(process.pid, chance)
            finished = process.poll() is not None
            process.kill()
            process.wait()
            redone.append(before - done(out))
            if finished:
                break

        assert finished, "never came to an end between kills"
        assert all(not lost for lost in redone), "a committed shard went away"
        assert content(out) == content(expected)


class TestRay:
    def test_gives_the_bytes_of_local_processes(
        self, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for engine in ("local", "ray"):
            command = [sys.executable, "-m", "assay", "scan", str(folder)]
            command += ["-o", str(tmp_path / engine), "--task", "fingerprint", "--engine", engine]
            command += ["--shard-files", "2", "--workers", "2", "--json"]
            finished = subprocess.run(command, capture_output=True, text=True, timeout=240)
            assert finished.returncode == 0, finished.stderr
            assert json.loads(finished.stdout)["distinct"] == 3

        assert content(tmp_path / "ray") == content(tmp_path / "local")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def start(source: Path, out: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "assay", "scan", str(source), "-o", str(out)]
    command += ["--task", "fingerprint", "--shard-files", "8", "--workers", "2"]
    return subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "ASSAY_HOME": str(settings().home)},
    )


def done(out: Path) -> set[str]:
    return {path.name for path in (out / "results").glob("part-*.parquet")}


def children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:
            continue
    return found


def kill_a_child(pid: int, chance: random.Random) -> None:
    if found := children(pid):
        try:
            os.kill(chance.choice(found), signal.SIGKILL)
        except ProcessLookupError:
            return


def holding(pipe: Path) -> list[int]:
    """Worker processes that wait on the pipe: they have been in `open` for a while."""
    waiting = []
    for child in children(os.getpid()):
        try:
            blocked = "wait_for_partner" in Path(f"/proc/{child}/wchan").read_text()
        except OSError:
            continue
        if blocked or is_opening(child):
            waiting.append(child)
    return waiting


def is_opening(pid: int) -> bool:
    try:
        call = Path(f"/proc/{pid}/syscall").read_text().split()
    except OSError:
        return False
    return bool(call) and call[0] in ("257", "2", "56")  # openat, open; openat on arm64

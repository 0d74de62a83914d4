"""What the service costs beside the library, and whether it lasts.

    python tests/benchmarks/service.py throughput --files 60 --rounds 3
    python tests/benchmarks/service.py soak --minutes 10 --clients 8

`throughput` sends pictures to one `assay serve` and, in turns, calls `assay.verify` in a loop on
the same bytes: the aim is 85 % or more of the loop's files a second.

`soak` sends good and hostile files for a while, reads and deletes results, and reports lost
jobs, errors of the service, memory after the warm-up, and latency. Both exit with 1 when they
miss their aim. Files are cut from the photographs bundled with scikit-image.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from skimage import data

URL = "/v1/verifications"
AIM = 0.85  # of the loop's throughput
GROWTH = 0.10  # of memory after the warm-up
SIDE = 384  # pixels of a window
DRAWN = random.Random(20)


def photographs(count: int) -> list[bytes]:
    """Windows of photographs as JPEG and PNG, no two alike."""
    sources = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket(), data.cat()]
    made = []
    for number in range(count):
        source = np.asarray(sources[number % len(sources)])
        side = min(SIDE, *source.shape[:2])
        top = DRAWN.randint(0, source.shape[0] - side)
        left = DRAWN.randint(0, source.shape[1] - side)
        window = Image.fromarray(source[top : top + side, left : left + side])
        buffer = io.BytesIO()
        window.save(buffer, "PNG") if number % 5 == 4 else window.save(buffer, "JPEG", quality=90)
        made.append(buffer.getvalue())
    return made


def hostile() -> list[bytes]:
    """Files that a decoder or an examiner may stumble over."""
    [picture, second] = photographs(2)
    bomb = struct.pack(">II5B", 50_000, 50_000, 8, 2, 0, 0, 0)
    claimed = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", bomb) + _chunk(b"IDAT", zlib.compress(b""))
    flipped = bytearray(picture)
    for _ in range(40):
        flipped[DRAWN.randrange(600, len(flipped))] ^= 0xFF
    manifest = b"\xff\xeb\xff\xfe" + b"JP" + DRAWN.randbytes(65_530)
    return [
        picture[: len(picture) // 2],
        claimed,
        bytes(flipped),
        picture[:2] + manifest + picture[2:],
        second + b"PK\x03\x04" + bytes(100),
        b"GIF89a" + DRAWN.randbytes(2000),
        b"\x00\x00\x00\x18ftypmp42" + DRAWN.randbytes(4000),
        b"RIFF\xff\xff\xff\xffWEBPVP8 " + DRAWN.randbytes(500),
        b"II*\x00" + DRAWN.randbytes(500),
        b"just text",
        b"",
    ]


def _chunk(kind: bytes, content: bytes) -> bytes:
    head = struct.pack(">I", len(content)) + kind + content
    return head + struct.pack(">I", zlib.crc32(kind + content))


@contextmanager
def serving(home: Path) -> Iterator[tuple[str, int]]:
    """Address and process id of a warm `assay serve` with development keys."""
    os.environ["ASSAY_HOME"] = str(home)
    program = "from assay.cli import main; main()"
    subprocess.run([sys.executable, "-c", program, "keys", "init"], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (home / "serve.log").open("wb") as log:
        running = subprocess.Popen(
            [sys.executable, "-c", program, "serve", "--port", str(port)], stdout=log, stderr=log
        )
    address = f"http://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=address, timeout=120) as client:
            while True:
                try:
                    client.get("/healthz")
                    break
                except httpx.TransportError:
                    if running.poll() is not None:
                        sys.exit((home / "serve.log").read_text())
                    time.sleep(0.1)
            for picture in photographs(6):  # until every child is ready
                client.post(URL, files={"file": ("warm", picture)}, headers={"Prefer": "wait=60"})
        yield address, running.pid
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait()


def throughput(files: int, rounds: int, clients: int) -> int:
    """Files a second of both, in turns; 1 if the service is too slow."""
    pictures = photographs(files)
    loop, service = [], []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (address, _pid):
        from assay.detector.verify import verify

        verify(pictures[0])
        with httpx.Client(base_url=address, timeout=120) as client:

            def send(picture: bytes) -> None:
                response = client.post(
                    URL, files={"file": ("picture", picture)}, headers={"Prefer": "wait=60"}
                )
                assert response.status_code == 200, response.text

            for _ in range(rounds):
                start = time.perf_counter()
                for picture in pictures:
                    verify(picture)
                loop.append(files / (time.perf_counter() - start))
                start = time.perf_counter()
                with ThreadPoolExecutor(clients) as pool:
                    list(pool.map(send, pictures))
                service.append(files / (time.perf_counter() - start))
    share = statistics.median(service) / statistics.median(loop)
    report = {
        "loop_files_per_second": [round(value, 2) for value in loop],
        "service_files_per_second": [round(value, 2) for value in service],
        "share": round(share, 3),
        "aim": AIM,
        "clients": clients,
    }
    print(json.dumps(report, indent=2))
    return 0 if share >= AIM else 1


@dataclass
class Seen:
    """What the clients of a soak saw."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


def soak(minutes: float, clients: int) -> int:
    """Send, read and delete for so long; 1 if anything was lost, failed, or grew."""
    good, bad = photographs(40), hostile()
    seen, sizes = Seen(), []
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (address, pid):
        start = time.monotonic()
        end = start + minutes * 60
        threads = [
            threading.Thread(target=_client, args=(address, good, bad, seed, end, seen))
            for seed in range(clients)
        ]
        for thread in threads:
            thread.start()
        while time.monotonic() < end:
            time.sleep(min(2.0, max(0.1, minutes * 60 / 200)))
            sizes.append(_memory(pid))
        for thread in threads:
            thread.join()
        lost = _lost(address, seen)
    alone = [server for server, _all in sizes]
    together = [everyone for _server, everyone in sizes]
    report = {
        "minutes": minutes,
        "clients": clients,
        "requests": sum(seen.statuses.values()),
        "statuses": {str(status): count for status, count in sorted(seen.statuses.items())},
        "accepted": len(seen.accepted),
        "lost": len(lost),
        "failures": seen.failures[:10],
        "p50_seconds": round(float(np.percentile(seen.seconds, 50)), 3),
        "p99_seconds": round(float(np.percentile(seen.seconds, 99)), 3),
        "server_megabytes": [round(value / 1e6) for value in _ends(alone)],
        "server_growth": round(_growth(alone), 3),
        "all_processes_megabytes": [round(value / 1e6) for value in _ends(together)],
        "all_processes_growth": round(_growth(together), 3),
    }
    print(json.dumps(report, indent=2))
    broken = lost or seen.failures or any(status >= 500 for status in seen.statuses)
    return 1 if broken or _growth(together) > GROWTH or _growth(alone) > GROWTH else 0


def _client(
    address: str, good: list[bytes], bad: list[bytes], seed: int, end: float, seen: Seen
) -> None:
    drawn = random.Random(seed)
    with httpx.Client(base_url=address, timeout=120) as client:
        while time.monotonic() < end:
            picture = drawn.choice(bad if drawn.random() < 0.3 else good)
            prefer = drawn.choice(["wait=60", "wait=60", "respond-async"])
            start = time.monotonic()
            try:
                response = client.post(
                    URL, files={"file": ("picture", picture)}, headers={"Prefer": prefer}
                )
            except httpx.HTTPError as error:
                with seen.lock:
                    seen.failures.append(repr(error))
                continue
            id = response.headers.get("assay-verification-id")
            with seen.lock:
                seen.statuses[response.status_code] += 1
                if prefer != "respond-async":
                    seen.seconds.append(time.monotonic() - start)
                if id:
                    seen.accepted.add(id)
            if id and drawn.random() < 0.1:
                client.get(f"{URL}/{id}/report.html")
            if id and drawn.random() < 0.1 and client.delete(f"{URL}/{id}").status_code == 204:
                with seen.lock:
                    seen.deleted.add(id)


def _lost(address: str, seen: Seen) -> list[str]:
    """Accepted uploads that have no result after all clients have gone, or came back to life."""
    lost = []
    with httpx.Client(base_url=address, timeout=120) as client:
        for id in sorted(seen.accepted):
            end = time.monotonic() + 120
            while True:
                response = client.get(f"{URL}/{id}")
                if id in seen.deleted:
                    finished = response.status_code == 404
                    break
                finished = response.json().get("status") in ("done", "failed")
                if finished or time.monotonic() > end:
                    break
                time.sleep(0.2)
            if not finished:
                lost.append(id)
    return lost


def _memory(pid: int) -> tuple[int, int]:
    """Resident bytes of the server alone, and with its children."""
    parents: dict[int, list[int]] = {}
    sizes: dict[int, int] = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            sizes[int(entry.name)] = int((entry / "statm").read_text().split()[1]) * page
        except (OSError, IndexError):
            continue
        parents.setdefault(int(fields[1]), []).append(int(entry.name))
    family, found = [pid], 0
    while family:
        one = family.pop()
        found += sizes.get(one, 0)
        family += parents.get(one, [])
    return sizes.get(pid, 0), found


def _ends(sizes: list[int]) -> tuple[float, float]:
    """Median memory in the second fifth of the time, when all is warm, and in the last."""
    fifth = max(1, len(sizes) // 5)
    return statistics.median(sizes[fifth : 2 * fifth]), statistics.median(sizes[-fifth:])


def _growth(sizes: list[int]) -> float:
    before, after = _ends(sizes)
    return after / before - 1


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    fast = commands.add_parser("throughput")
    fast.add_argument("--files", type=int, default=60)
    fast.add_argument("--rounds", type=int, default=3)
    fast.add_argument("--clients", type=int, default=8)
    long = commands.add_parser("soak")
    long.add_argument("--minutes", type=float, default=10)
    long.add_argument("--clients", type=int, default=8)
    chosen = parser.parse_args()
    if chosen.command == "throughput":
        return throughput(chosen.files, chosen.rounds, chosen.clients)
    return soak(chosen.minutes, chosen.clients)


if __name__ == "__main__":
    sys.exit(main())

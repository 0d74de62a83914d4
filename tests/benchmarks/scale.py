"""What one file costs, what a scan costs beyond it, and how long a queue of files waits.

    python tests/benchmarks/scale.py scan [--files 60] [--engines local ray]
    python tests/benchmarks/scale.py stages [--rounds 5]
    python tests/benchmarks/scale.py queue [--files 60] [--load 0.7]

`scan` compares runs on the same files on this machine. Rates are taken between the first and
the last answer, so that they hold for collections and not for start-up, which is printed
apart. Files are the bundled photographs, cut and re-encoded into distinct ones.

`stages` gives the time of each examiner, and of decoding, for one picture of 1 MP on one
thread: the least of several rounds.

`queue` sends files at random times (Poisson) to one and to two examining processes and sets
the wait beside that of the model: M/G/1 after Pollaczek and Khinchine, M/G/2 after Allen and
Cunneen, with the times that the same processes need for a file when nothing waits.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from assay.api.examining import Pool

SIDE = 768  # pixels; the longer side of a typical upload after a platform has shrunk it

_LOOP = """
import json, sys, time
from pathlib import Path
import cv2
cv2.setNumThreads(1)
import assay
began = time.monotonic()
ends = []
for path in sorted(Path(sys.argv[1]).iterdir()):
    assay.verify(path)
    ends.append(time.monotonic())
print(json.dumps({"start": ends[0] - began, "rate": (len(ends) - 1) / (ends[-1] - ends[0])}))
"""

_SCAN = """
import json, sys, time
from pathlib import Path
from assay.reports.scanning import scan
if __name__ == "__main__":
    source, out, engine, workers, shard = sys.argv[1:]
    began = time.monotonic()
    ends = []
    def progress(stage, done, total):
        if stage == "Scanning":
            ends.append((time.monotonic(), done))
    scan(source, Path(out), engine=engine, workers=int(workers), shard_files=int(shard),
         progress=progress)
    ends = [end for end in ends if end[1]]
    (first, had), (last, done) = ends[0], ends[-1]
    print(json.dumps({"start": first - began, "rate": (done - had) / (last - first)}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("scan", "stages", "queue"))
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--load", type=float, default=0.7)
    parser.add_argument("--engines", nargs="+", default=["local", "ray"])
    options = parser.parse_args()
    os.environ |= dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ASSAY_HOME"] = str(Path(folder) / "home")
        subprocess.run(
            [sys.executable, "-m", "assay", "keys", "init", "--json"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        source = Path(folder) / "in"
        write_files(source, options.files)
        if options.what == "stages":
            stages(source, options.rounds)
        elif options.what == "queue":
            for processes in (1, 2):
                wait_in_queue(source, processes, options.load)
        else:
            compare_scans(folder, source, options)


def stages(source: Path, rounds: int) -> None:
    from assay.detector.verify import verify
    from assay.extending import EXAMINERS, load
    from assay.media import Media
    from assay.provenance.matching import Registry
    from assay.settings import settings

    with Image.open(next(iter(sorted(source.iterdir())))) as small:
        picture = small.resize((1152, 896), Image.Resampling.BICUBIC)
    path = source / "one megapixel.jpg"
    picture.save(path, quality=88)
    with Registry(settings().registry_url) as registry:  # without one nothing is compared
        registry.add(sorted(source.iterdir())[1], {"title": "another picture"})
    examiners = load(EXAMINERS)
    verify(path)  # loads models, compiles
    costs: dict[str, list[float]] = {}
    for _ in range(rounds):
        media = Media.open(path)
        began = time.perf_counter()
        media.pixels()
        costs.setdefault("decoding", []).append(time.perf_counter() - began)
        for name, examiner in examiners.items():
            began = time.perf_counter()
            examiner.examine(media)
            costs.setdefault(name, []).append(time.perf_counter() - began)
    for name, seconds in costs.items():
        print(f"{name:<14} {min(seconds) * 1e3:7.1f} ms")
    print(f"{'all':<14} {sum(map(min, costs.values())) * 1e3:7.1f} ms")


def wait_in_queue(source: Path, processes: int, load: float) -> None:
    import numpy as np

    from assay.api.examining import Pool

    paths = sorted(source.iterdir())
    pool = Pool(processes)
    pool.start()
    with ThreadPoolExecutor(processes) as threads:
        list(threads.map(lambda path: examined(pool, path), paths[: 4 * processes]))
        # Every process at work, so that the times are those of a busy machine.
        service = np.array(list(threads.map(lambda path: examined(pool, path), paths)))
        gaps = np.random.default_rng(1).exponential(service.mean() / (load * processes), len(paths))
        began = time.monotonic()
        arrivals = began + np.cumsum(gaps)
        futures = []
        for path, arrival in zip(paths, arrivals, strict=True):
            time.sleep(max(0.0, arrival - time.monotonic()))
            futures.append(threads.submit(started_at, pool, path))
        starts = np.array([future.result() for future in futures])
    pool.close()
    measured = float((starts - arrivals).mean())
    # The arrivals that were drawn, not those that were meant.
    rate = len(paths) / float(arrivals[-1] - began)
    used = rate * float(service.mean()) / processes
    spread = float(service.var() / service.mean() ** 2)
    waits = used ** (np.sqrt(2 * (processes + 1)) - 1) / (processes * (1 - used))
    model = float(waits * service.mean() * (1 + spread) / 2)
    print(
        f"{processes} processes: {service.mean():.2f} s a file, {used:.0%} busy, "
        f"mean wait {measured:.2f} s, model {model:.2f} s"
    )


def examined(pool: Pool, path: Path) -> float:
    """Seconds for one file."""
    from assay.api.examining import examine

    began = time.monotonic()
    with path.open("rb") as file:
        examine(pool, file, name=path.name, sha256="", size=path.stat().st_size)
    return time.monotonic() - began


def started_at(pool: Pool, path: Path) -> float:
    """When one file got its turn."""
    now = time.monotonic()
    examined(pool, path)
    return now


def compare_scans(folder: str, source: Path, options: argparse.Namespace) -> None:
    loop = measure(folder, _LOOP, source)
    show("assay.verify in a loop", loop, loop)
    one = scan(folder, source, "local", 1, options.files)
    show("scan, 1 local worker", one, loop)
    two = scan(folder, source, "local", 2, options.files)
    show("scan, 2 local workers", two, loop)
    print(f"  2 workers : 1 worker = {two['rate'] / one['rate']:.2f}")
    print(f"  overhead of a scan over the loop = {loop['rate'] / one['rate'] - 1:+.1%}")
    if "ray" in options.engines:
        # Ray reports whole shards: several for each actor.
        shard = max(1, options.files // 12)
        again = scan(folder, source, "local", 2, shard)
        ray = scan(folder, source, "ray", 2, shard)
        show("scan, 2 Ray actors", ray, loop)
        print(f"  Ray : local at 2 workers = {ray['rate'] / again['rate']:.2f}")


def write_files(source: Path, count: int) -> None:
    source.mkdir()
    photographs = sorted(
        path
        for path in (files("assay.datasets") / "photographs").iterdir()
        if path.name.endswith((".jpg", ".png"))
    )
    for number in range(count):
        with photographs[number % len(photographs)].open("rb") as file:
            picture = Image.open(file).convert("RGB")
        left = 7 * (number // len(photographs))
        picture = picture.crop((left, left, picture.width, picture.height))
        picture.thumbnail((SIDE, SIDE))
        picture.save(source / f"{number:05d}.jpg", quality=80 + number % 15)


def scan(folder: str, source: Path, engine: str, workers: int, shard: int) -> dict[str, float]:
    out = Path(tempfile.mkdtemp(dir=folder)) / "out"
    return measure(folder, _SCAN, source, out, engine, workers, shard)


def measure(folder: str, program: str, *arguments: object) -> dict[str, float]:
    path = Path(folder) / "program.py"  # a file: worker processes import it
    path.write_text(program)
    began = time.monotonic()
    finished = subprocess.run(
        [sys.executable, str(path), *map(str, arguments)], capture_output=True, text=True
    )
    if finished.returncode:
        raise SystemExit(finished.stderr)
    found: dict[str, float] = json.loads(finished.stdout.splitlines()[-1])
    return {**found, "wall": time.monotonic() - began}


def show(name: str, found: dict[str, float], loop: dict[str, float]) -> None:
    print(
        f"{name:<28} {found['rate']:6.2f} files/s  {found['rate'] / loop['rate']:5.2f}x loop  "
        f"first answer after {found['start']:.1f} s, {found['wall']:.1f} s in all",
        flush=True,
    )


if __name__ == "__main__":
    main()

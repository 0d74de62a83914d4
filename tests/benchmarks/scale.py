"""What a scan costs beyond `assay.verify` in a loop, and what more workers give.

    python tests/benchmarks/scale.py [--files 60] [--engines local ray]

Every figure is a ratio of runs on the same files on this machine. Rates are taken between
the first and the last answer, so that they hold for collections and not for start-up, which
is printed apart. Files are the bundled photographs, cut and re-encoded into distinct ones.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib.resources import files
from pathlib import Path

from PIL import Image

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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=60)
    parser.add_argument("--engines", nargs="+", default=["local", "ray"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "in"
        write_files(source, options.files)
        os.environ["ASSAY_HOME"] = str(Path(folder) / "home")
        os.environ |= dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
            "1",
        )
        subprocess.run([sys.executable, "-m", "assay", "keys", "init"], check=True)
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

"""A registry of many works: how fast it opens, how soon an insert is found, how memory grows.

    python tests/benchmarks/matching_scale.py --works 10000000 --folder DIR

The works have random hashes and no keypoints; they are written to the tables directly and
indexed by the registry itself. DIR needs about 700 bytes a work. Times are wall seconds, memory
is the resident set; pages of mapped index files count in it while they are in use.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import time
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from skimage import data

from assay.provenance.matching import Registry

BATCH = 100_000
REFRESHES = 1000


def build(database: Path, works: int) -> dict[str, float]:
    Registry(database).close()
    created = datetime.now(UTC).isoformat(" ")
    generator = np.random.default_rng(5)
    start = time.perf_counter()
    connection = sqlite3.connect(database)
    connection.execute("PRAGMA synchronous = OFF")
    for first in range(0, works, BATCH):
        count = min(BATCH, works - first)
        names = [f"{first + n:010d}" for n in range(count)]
        codes = generator.bytes(64 * count)
        connection.executemany(
            "INSERT INTO works (id, record, training_opt_out, created) VALUES (?, '{}', 0, ?)",
            ((name, created) for name in names),
        )
        connection.executemany(
            "INSERT INTO prints (work_id, width, height, pdq, difference, quality, graphic,"
            " local_search) VALUES (?, 640, 480, ?, ?, 100, 0, 0)",
            (
                (name, codes[64 * n : 64 * n + 32], codes[64 * n + 32 : 64 * n + 64])
                for n, name in enumerate(names)
            ),
        )
        connection.commit()
    connection.close()
    filled = time.perf_counter()
    with Registry(database) as registry:
        registry._indexes.seal_if_due()
    return {
        "tables filled, seconds": round(filled - start, 1),
        "index built, seconds": round(time.perf_counter() - filled, 1),
    }


def use(database: Path) -> dict[str, Any]:
    """In a process of its own: open, search, insert, and search again and again."""
    pixels = data.astronaut()
    with Registry(database.with_name("small.sqlite")) as small:  # compiles, loads libraries
        small.add(pixels, {})
        small.match(pixels)
    before = resident()
    start = time.perf_counter()
    registry = Registry(database)
    registry.match(pixels)
    opened = time.perf_counter() - start
    other = Registry(database)
    other.match(pixels)
    start = time.perf_counter()
    registry.add(pixels, {"id": "astronaut"})
    added = time.perf_counter()
    found = [match.work_id for match in registry.match(pixels)]
    here = time.perf_counter()
    elsewhere = [match.work_id for match in other.match(pixels)]
    there = time.perf_counter()
    assert found == elsewhere == ["astronaut"]
    registry.remove("astronaut")
    assert not other.match(pixels)
    other.close()
    del other
    memory = [resident()]
    cat = data.chelsea()
    started = time.process_time()
    for _ in range(10):
        registry.match(cat)
    searched = (time.process_time() - started) * 100
    for number in range(REFRESHES):
        registry.add(np.roll(cat, 7 * number, axis=1), {}, refuse_poison=False)
        registry._indexes.refresh()
        if number % 100 == 99:
            memory.append(resident())
    return {
        "opened and first search, seconds": round(opened, 2),
        "insert acknowledged, seconds": round(added - start, 3),
        "then found by a search, seconds": round(here - added, 3),
        "and by another connection, seconds": round(there - here, 3),
        "MiB before opening": before,
        f"MiB, every 100 of {REFRESHES} inserts with refresh": memory,
        "one search, CPU milliseconds": round(searched, 1),
    }


def resident() -> dict[str, int]:
    """MiB of its own, and of mapped files, which the system can drop and share."""
    status = Path("/proc/self/status").read_text().splitlines()
    found = dict(line.split(":", 1) for line in status)
    return {
        name: round(int(found[kind].split()[0]) / 1024)
        for name, kind in (("own", "RssAnon"), ("mapped", "RssFile"))
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--works", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    database = options.folder / "registry.sqlite"
    report: dict[str, Any] = {"works": options.works}
    context = get_context("spawn")
    if not database.exists():
        with context.Pool(1) as pool:
            report |= pool.apply(build, (database, options.works))
        print(json.dumps(report), file=sys.stderr, flush=True)
    with context.Pool(1) as pool:
        report |= pool.apply(use, (database,))
    files = [p for p in options.folder.rglob("*") if p.is_file()]
    report["bytes a work on disk"] = round(sum(p.stat().st_size for p in files) / options.works)
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()

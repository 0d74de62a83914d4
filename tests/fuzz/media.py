"""Mutated media of every format through the whole `verify` path, in child processes.

    python tests/fuzz/media.py [--count 20000] [--seed 1] [--keep DIR]

Each file gets an answer: a verification, complete or not, or a refusal. What ends a child or
takes longer than the service allows is counted and kept.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FORMATS = ("jpg", "png", "webp", "avif", "heic", "tiff", "gif", "mp4", "mov", "webm")
SIDE = 96  # pixels: small files run through every parser as large ones do


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("build/mutants"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        os.environ["ASSAY_HOME"] = home
        from assay.api.examining import Pool

        seeds = make_seeds(Path(home))
        print(f"{len(seeds)} seeds: {', '.join(sorted(seeds))}", flush=True)
        outcomes: Counter[str] = Counter()
        slowest = 0.0
        pool = Pool()
        pool.start()
        began = time.monotonic()
        with ThreadPoolExecutor(pool.size) as threads:
            jobs = threads.map(lambda job: examine_one(pool, *job), mutants(seeds, options))
            for number, (outcome, seconds, data) in enumerate(jobs, 1):
                outcomes[outcome] += 1
                slowest = max(slowest, seconds)
                if outcome.startswith("ended"):
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
                if number % 1000 == 0:
                    rate = number / (time.monotonic() - began)
                    print(f"{number:,} answered, {rate:.1f}/s, {dict(outcomes)}", flush=True)
        pool.close()
    print(f"{sum(outcomes.values()):,} of {options.count:,} answered; slowest {slowest:.1f} s")
    for outcome, count in outcomes.most_common():
        print(f"  {outcome:<40} {count:,}")
    return 1 if any(name.startswith("ended") for name in outcomes) else 0


def make_seeds(folder: Path) -> dict[str, bytes]:
    """A small picture or clip of each format, signed where the format can be."""
    from PIL import Image
    from skimage import data

    from assay.errors import AssayError
    from assay.provenance import keys
    from assay.provenance.marking import sign

    keys.init()
    picture = Image.fromarray(data.astronaut()).resize((SIDE, SIDE))
    found: dict[str, bytes] = {}
    for kind in FORMATS:
        path = folder / f"seed.{kind}"
        if kind in ("mp4", "mov", "webm"):
            clip(path, picture)
        else:
            picture.save(path)
        found[kind] = path.read_bytes()
        try:
            found[f"signed {kind}"] = sign(path, watermark=False).media.data
        except AssayError:
            continue  # a container that carries no manifest
    return found


def clip(path: Path, picture: object) -> None:
    import av
    import numpy as np

    with av.open(str(path), "w") as container:
        codec = "libvpx" if path.suffix == ".webm" else "libx264"
        stream = container.add_stream(codec, rate=10)
        stream.width = stream.height = SIDE
        stream.pix_fmt = "yuv420p"
        for shift in range(5):
            frame = av.VideoFrame.from_ndarray(np.roll(np.asarray(picture), shift, 1), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def mutants(seeds: dict[str, bytes], options: argparse.Namespace) -> Iterator[tuple[str, bytes]]:
    chance = random.Random(options.seed)
    names = sorted(seeds)
    for number in range(options.count):
        name = names[number % len(names)]
        yield name, mutate(seeds[name], chance)


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Flips, overwrites, cuts, repeats and truncations, mostly few and near the structure."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16, 64))):
        reach = chance.choice((64, 1024, len(changed))) or 1
        place = chance.randrange(min(reach, len(changed)) or 1)
        length = chance.choice((1, 1, 2, 4, 32))
        match chance.randrange(6):
            case 0 | 1:
                changed[place : place + 1] = bytes([chance.randrange(256)])
            case 2:
                changed[place : place + length] = chance.randbytes(length)
            case 3:
                changed[place : place + 4] = chance.choice(
                    (
                        b"\xff\xff\xff\xff",
                        b"\x00\x00\x00\x00",
                        b"\x7f\xff\xff\xff",
                        b"\x80\x00\x00\x00",
                    )
                )
            case 4:
                changed[place:place] = changed[place : place + length * 8]
            case _:
                del changed[place : place + length]
    if chance.random() < 0.1:
        del changed[chance.randrange(len(changed) + 1) :]
    return bytes(changed)


def examine_one(pool: object, name: str, data: bytes) -> tuple[str, float, bytes]:
    from assay.api.examining import Refused, examine

    began = time.monotonic()
    try:
        done = examine(
            pool,  # type: ignore[arg-type]
            _file(data),
            name=None,
            sha256=hashlib.sha256(data).hexdigest(),
            size=len(data),
        )
        outcome = done.category if done.survived else f"ended a child: {name}"
    except Refused as refusal:
        outcome = f"refused: {refusal.error.code}"
    return outcome, time.monotonic() - began, data


def _file(data: bytes) -> io.FileIO:
    handle = os.memfd_create("mutant")
    os.write(handle, data)
    os.lseek(handle, 0, os.SEEK_SET)
    return os.fdopen(handle, "rb", buffering=0)  # type: ignore[return-value]


if __name__ == "__main__":
    sys.exit(main())

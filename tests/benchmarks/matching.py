"""How well matching works, measured beside its peers on the same pictures.

    python tests/benchmarks/matching.py recall      --images DIR --works 1000 --queries 50
    python tests/benchmarks/matching.py alike       --drawings 120
    python tests/benchmarks/matching.py index       --codes 10000000
    python tests/benchmarks/matching.py skew        --images DIR
    python tests/benchmarks/matching.py upload      --codes 1000000

Without `--images` the photographs bundled with scikit-image and scikit-learn are cut into
windows: enough to see that everything runs, too few for the figures in
docs/explanation/matching.md. Peers are measured when they are installed: pdqhash, imagehash,
imagededup,
iscc-core, faiss, usearch. Times are CPU seconds of one core. `matching_impostors.py` measures false
matches, `matching_scale.py` a whole registry of many works.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from assay.datasets.copy_edits import copy_edits
from assay.provenance.matching import Registry, multi_index

Pixels = NDArray[np.uint8]
Codes = NDArray[np.uint8]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
WINDOW = 200  # pixels, of bundled photographs


@dataclass(frozen=True)
class Named:
    """A picture that is loaded when it is called."""

    name: str
    load: Callable[[], Pixels]

    def __call__(self) -> Pixels:
        return self.load()


def pictures(folder: Path | None) -> list[Named]:
    """Every picture, in a fixed random order."""
    if folder is None:
        windows = enumerate(bundled_windows())
        found = [Named(f"window {n}", partial(np.asarray, window)) for n, window in windows]
    else:
        paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
        found = [Named(str(path.relative_to(folder)), partial(load, path)) for path in paths]
    random.Random(1).shuffle(found)
    return found


def load(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def bundled_windows() -> Iterator[Pixels]:
    """Windows that do not overlap, from the bundled photographs."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    photographs = [data.astronaut(), data.chelsea(), data.coffee(), data.rocket()]
    photographs += load_sample_images().images
    for photograph in photographs:
        height, width = photograph.shape[:2]
        for top in range(0, max(1, height - WINDOW + 1), WINDOW):
            for left in range(0, max(1, width - WINDOW + 1), WINDOW):
                yield np.ascontiguousarray(
                    photograph[top : top + WINDOW, left : left + WINDOW, :3], np.uint8
                )


# Peers: a hash of a picture and the distance its users match at.


def pdqhash_code(pixels: Pixels) -> Codes:
    import pdqhash

    return np.packbits(pdqhash.compute(np.ascontiguousarray(pixels))[0])


def imagehash_code(pixels: Pixels) -> Codes:
    import imagehash

    return np.packbits(imagehash.phash(Image.fromarray(pixels)).hash.ravel())


def iscc_code(pixels: Pixels) -> Codes:
    from iscc_core.code_content_image import soft_hash_image_v0

    grey = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.BICUBIC)
    return np.frombuffer(soft_hash_image_v0(np.asarray(grey).ravel().tolist(), 256), np.uint8)


def imagededup_code(pixels: Pixels) -> Codes:
    return np.frombuffer(bytes.fromhex(_imagededup().encode_image(image_array=pixels)), np.uint8)


@cache
def _imagededup() -> Any:
    from imagededup.methods import PHash

    return PHash(verbose=False)


PEERS: dict[str, tuple[Callable[[Pixels], Codes], int]] = {
    "pdqhash at 31": (pdqhash_code, 31),
    "imagehash phash at 10": (imagehash_code, 10),
    "imagededup PHash at 10": (imagededup_code, 10),
    "ISCC image code at 31": (iscc_code, 31),
}


def installed_peers() -> dict[str, tuple[Callable[[Pixels], Codes], int]]:
    sample = np.zeros((64, 64, 3), np.uint8)
    found = {}
    for name, (code, threshold) in PEERS.items():
        try:
            code(sample)
        except ImportError:
            continue
        found[name] = (code, threshold)
    return found


def distances(codes: Codes, query: Codes) -> NDArray[np.int64]:
    return np.bitwise_count(codes ^ query).sum(axis=1).astype(np.int64)


def recall(options: argparse.Namespace) -> dict[str, Any]:
    """Share of edited copies that are matched, and unrelated works that are."""
    loaders = pictures(options.images)
    count = min(options.works, max(4, len(loaders) - 8))
    works = [loader() for loader in loaders[:count]]
    names = [loader.name for loader in loaders[:count]]
    backgrounds = [loader() for loader in loaders[count : count + 60]]
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder) / "registry.sqlite")
        for number, pixels in enumerate(works):
            registry.add(pixels, {"id": str(number)})
        peers = {
            name: (np.stack([code(pixels) for pixels in works]), code, threshold)
            for name, (code, threshold) in installed_peers().items()
        }
        rows = {}
        chosen = np.linspace(0, count - 1, min(options.queries, count)).astype(int).tolist()
        for name, edit in copy_edits(backgrounds).items():
            if options.edits and name not in options.edits:
                continue
            rows[name] = _recall_of_edit(registry, works, chosen, edit, names, peers)
            print(name, json.dumps(rows[name]), file=sys.stderr, flush=True)
    columns = ["match", "found", *peers]
    mean = {c: float(np.mean([row[c] for row in rows.values()])) for c in columns}
    return {
        "works": count,
        "queries an edit": len(chosen),
        "edits": rows,
        "mean": mean,
        "pairs": len(rows) * len(chosen) * (count - 1),
        # To be looked at: two photographs of one scene are in most collections.
        "matched with another work": dict(
            sum((Counter(row.pop("others")) for row in rows.values()), Counter())
        ),
    }


def _recall_of_edit(
    registry: Registry,
    works: Sequence[Pixels],
    chosen: Sequence[int],
    edit: Callable[[Pixels, int], Pixels],
    names: Sequence[str],
    peers: dict[str, tuple[Codes, Callable[[Pixels], Codes], int]],
) -> dict[str, Any]:
    tally: Counter[str] = Counter()
    others: Counter[str] = Counter()
    spent = 0.0
    for number in chosen:
        query = edit(works[number], number)
        start = time.process_time()
        matches = registry.match(query)
        spent += time.process_time() - start
        own = [m for m in matches if m.work_id == str(number)]
        tally["match"] += any(m.decision == "match" for m in own)
        tally["found"] += bool(own)
        for match in matches:
            other = int(match.work_id)
            if other != number and match.decision == "match":
                others[f"{names[number]} = {names[other]}"] += 1
            elif other != number:
                tally["review of another"] += 1
        for name, (codes, code, threshold) in peers.items():
            away = distances(codes, code(query))
            tally[name] += int(away[number] <= threshold)
            tally[f"{name}: others"] += int((away <= threshold).sum() - (away[number] <= threshold))
    row: dict[str, Any] = {name: tally[name] / len(chosen) for name in ("match", "found", *peers)}
    row |= {"others": dict(others), "review of another": tally["review of another"]}
    row |= {f"{name}: others": tally[f"{name}: others"] for name in peers}
    return row | {"milliseconds": round(spent / len(chosen) * 1e3, 1)}


def alike(options: argparse.Namespace) -> dict[str, Any]:
    """Logos, charts, pages and captioned pictures that are alike and not copies."""
    photograph = pictures(options.images)[77 % len(pictures(options.images))]()
    results = {}
    for kind, artist in _artists(photograph).items():
        drawn = [artist(random.Random(f"{kind}-{n}")) for n in range(options.drawings)]
        tally: Counter[str] = Counter()
        with tempfile.TemporaryDirectory() as folder:
            registry = Registry(Path(folder) / "registry.sqlite")
            half = len(drawn) // 2
            for number, pixels in enumerate(drawn[:half]):
                registry.add(pixels, {"id": str(number)})
            for pixels in drawn[half:]:
                tally.update(match.decision for match in registry.match(pixels))
        pairs = half * (len(drawn) - half)
        near = {}
        for name, (code, threshold) in installed_peers().items():
            codes = np.stack([code(pixels) for pixels in drawn])
            hits = sum(
                int((distances(codes[:half], query) <= threshold).sum()) for query in codes[half:]
            )
            near[name] = hits / pairs
        results[kind] = {"pairs": pairs, **dict(tally), **near}
        print(kind, json.dumps(results[kind]), file=sys.stderr, flush=True)
    return results


def _artists(photograph: Pixels) -> dict[str, Callable[[random.Random], Pixels]]:
    base = Image.fromarray(photograph).resize((600, 450))
    letters = "etaoinshrdlucmfwypvbgkqjxz"

    def sentence(generator: random.Random, words: int) -> str:
        lengths = (generator.randint(2, 9) for _ in range(words))
        return " ".join("".join(generator.choices(letters, k=n)) for n in lengths)

    def page(generator: random.Random) -> Pixels:
        picture = Image.new("RGB", (600, 800), "white")
        draw = ImageDraw.Draw(picture)
        for y in range(50, 750, 20):
            draw.text((60, y), sentence(generator, 9)[:58], "black", font_size=15)
        return np.asarray(picture)

    def chart(generator: random.Random) -> Pixels:
        picture = Image.new("RGB", (640, 480), "white")
        draw = ImageDraw.Draw(picture)
        draw.line([(60, 20), (60, 430), (620, 430)], fill="black", width=2)
        y, points = generator.randint(100, 400), []
        for x in range(60, 620, 8):
            y = min(420, max(30, y + generator.randint(-18, 18)))
            points.append((x, y))
        draw.line(points, fill=(31, 119, 180), width=3)
        draw.text((200, 2), sentence(generator, 3), "black", font_size=16)
        return np.asarray(picture)

    def logo(generator: random.Random) -> Pixels:
        picture = Image.new("RGB", (400, 400), "white")
        draw = ImageDraw.Draw(picture)
        colour = tuple(generator.randint(0, 200) for _ in range(3))
        m = generator.randint(60, 110)
        shape = generator.choice(["circle", "square", "triangle"])
        if shape == "circle":
            draw.ellipse((m, m, 400 - m, 400 - m), fill=colour)
        elif shape == "square":
            draw.rectangle((m, m, 400 - m, 400 - m), fill=colour)
        else:
            draw.polygon([(200, m), (400 - m, 400 - m), (m, 400 - m)], fill=colour)
        draw.text((165, 150), generator.choice("ABCDEFGHKMNPRS"), "white", font_size=100)
        return np.asarray(picture)

    def template(generator: random.Random) -> Pixels:
        picture = base.copy()
        draw = ImageDraw.Draw(picture)
        for y in (8, 390):
            text = sentence(generator, 5).upper()[:24]
            draw.text((20, y), text, "white", font_size=38, stroke_width=3, stroke_fill="black")
        return np.asarray(picture)

    def gradient(generator: random.Random) -> Pixels:
        levels = np.linspace(generator.randint(0, 120), generator.randint(130, 255), 480)
        tint = [generator.uniform(0.6, 1) for _ in range(3)]
        picture = levels[:, None, None] * np.ones((1, 640, 1)) * np.array(tint)
        noise = np.random.default_rng(generator.randint(0, 2**31)).normal(0, 1.5, picture.shape)
        return np.clip(picture + noise, 0, 255).astype(np.uint8)

    return {
        "text pages": page,
        "line charts": chart,
        "letter logos": logo,
        "one template, other captions": template,
        "gradients": gradient,
    }


def planted(count: int, queries: int = 1000) -> tuple[NDArray[np.uint64], NDArray[np.uint64], Any]:
    """Random codes and queries: half at distance 0..31 of a code (30 % at 31), half unrelated."""
    generator = np.random.default_rng(7)
    codes = generator.integers(0, 2**64, (count, 4), np.uint64)
    rows = generator.integers(0, count, queries // 2)
    asked = generator.integers(0, 2**64, (queries, 4), np.uint64)
    asked[::2] = codes[rows]
    for place in range(0, queries, 2):
        bits = 31 if place < 0.3 * queries else int(generator.integers(0, 32))
        for bit in generator.choice(256, bits, replace=False):
            asked[place, bit >> 6] ^= np.uint64(1 << (int(bit) & 63))
    return codes, asked, rows


def index(options: argparse.Namespace) -> dict[str, Any]:
    """Exact search at radius 31 over random codes, ours and the peers that are installed."""
    codes, asked, rows = planted(options.codes)
    report: dict[str, Any] = {"codes": options.codes}
    before = _resident()
    multi_index.build(codes[:10])
    start = time.process_time()
    offsets, order = multi_index.build(codes)
    built = time.process_time() - start
    memory = _resident() - before + codes.nbytes / 2**20

    def ours(query: NDArray[np.uint64]) -> NDArray[np.int64]:
        return multi_index.search(codes, offsets, order, query, 31).row

    report["assay"] = _measure(ours, asked, rows) | {
        "build seconds": round(built, 2),
        "MiB": round(memory),
    }
    for name, make in (
        ("faiss flat", _faiss_flat),
        ("faiss MultiHash", _faiss_multi_hash),
        ("usearch, expansion 64", partial(_usearch, expansion=64)),
        ("usearch, expansion 1024", partial(_usearch, expansion=1024)),
    ):
        if name in options.skip:
            continue
        try:
            start = time.process_time()
            search = make(codes)
        except ImportError:
            continue
        built = time.process_time() - start
        few = asked[: 100 if name == "faiss flat" else len(asked)]
        report[name] = _measure(search, few, rows) | {"build seconds": round(built, 2)}
        print(name, report[name], file=sys.stderr, flush=True)
    return report


def _measure(
    search: Callable[[NDArray[np.uint64]], Any], asked: NDArray[np.uint64], rows: Any
) -> dict[str, float]:
    search(asked[:1])
    start = time.process_time()
    found = [search(asked[i : i + 1]) for i in range(len(asked))]
    spent = time.process_time() - start
    hits = [rows[i // 2] in set(map(int, found[i])) for i in range(0, len(asked), 2)]
    return {"queries a second": round(len(asked) / spent), "recall": float(np.mean(hits))}


def _faiss_flat(codes: NDArray[np.uint64]) -> Callable[[NDArray[np.uint64]], Any]:
    import faiss

    faiss.omp_set_num_threads(1)
    made = faiss.IndexBinaryFlat(256)
    made.add(codes.view(np.uint8))
    return lambda query: made.range_search(query.view(np.uint8), 32)[2]


def _faiss_multi_hash(codes: NDArray[np.uint64]) -> Callable[[NDArray[np.uint64]], Any]:
    import faiss

    faiss.omp_set_num_threads(1)
    made = faiss.IndexBinaryMultiHash(256, 16, 16)
    made.nflip = 1
    made.add(codes.view(np.uint8))
    return lambda query: made.range_search(query.view(np.uint8), 32)[2]


def _usearch(codes: NDArray[np.uint64], expansion: int) -> Callable[[NDArray[np.uint64]], Any]:
    """Approximate: the 10 nearest by a graph, those within 31 bits kept."""
    from usearch.index import Index

    made = Index(
        ndim=256, metric="hamming", dtype="b1", connectivity=16, expansion_search=expansion
    )
    made.add(np.arange(len(codes)), codes.view(np.uint8), threads=1)

    def search(query: NDArray[np.uint64]) -> Any:
        found = made.search(query.view(np.uint8)[0], 10, threads=1)
        return found.keys[found.distances <= 31]

    return search


def skew(options: argparse.Namespace) -> dict[str, Any]:
    """How much less even the hashes of pictures are than random codes, and what that costs."""
    from assay.provenance.matching.fingerprints import probes_v0
    from assay.provenance.matching.hamming import as_words
    from assay.provenance.matching.normalising import normalise_v0

    probes = [
        probe
        for loader in pictures(options.images)
        for probe in probes_v0(normalise_v0(loader()), bytes(32))
    ]
    report: dict[str, Any] = {"codes": len(probes)}
    random_codes = np.random.default_rng(7).integers(0, 2**64, (len(probes), 4), np.uint64)
    kinds = {
        "random": random_codes,
        "pdq": as_words([probe.pdq for probe in probes]),
        "keyed difference": as_words([probe.difference for probe in probes]),
    }
    for name, codes in kinds.items():
        codes = np.unique(codes, axis=0)
        np.random.default_rng(9).shuffle(codes)
        codes, asked = codes[2000:], codes[:2000]
        offsets, order = multi_index.build(codes)
        sizes = np.diff(offsets.astype(np.int64), axis=1)
        # Pairs that share a bucket, against an even spread: what each lookup has to compare.
        pairs = (sizes * (sizes - 1)).sum() / (16 * len(codes) * (len(codes) - 1) / 65536)
        multi_index.search(codes, offsets, order, asked[:1], 31)
        start = time.process_time()
        for place in range(len(asked)):
            multi_index.search(codes, offsets, order, asked[place : place + 1], 31)
        spent = time.process_time() - start
        report[name] = {
            "queries a second": round(len(asked) / spent),
            "codes in one bucket, times an even spread": round(float(pairs), 2),
        }
    return report


def upload(options: argparse.Namespace) -> dict[str, Any]:
    """One upload against a registry of so many works, most of them random hashes."""
    from assay.provenance.matching.hash_index import Batch, Segment
    from assay.provenance.matching.thresholds import Budget

    loaders = pictures(options.images)
    count = min(500, len(loaders) // 2)
    works = [loader() for loader in loaders[:count]]
    others = [loader() for loader in loaders[count : count + 100]]
    with tempfile.TemporaryDirectory() as folder:
        registry = Registry(Path(folder) / "registry.sqlite", budget=Budget())
        for number, pixels in enumerate(works):
            registry.add(pixels, {"id": str(number)})
        registry.match(others[0])
        generator = np.random.default_rng(5)
        ids = np.arange(10**7, 10**7 + options.codes)
        for part in (registry._indexes.pdq, registry._indexes.difference):
            codes = generator.integers(0, 2**64, (options.codes, 4), np.uint64)
            part.segments.append(Segment.over(Batch(ids, codes), 10**7, 10**7 + options.codes))
        timings = {}
        for name, queries in (("copies", works[:100]), ("strangers", others)):
            start = time.process_time()
            for pixels in queries:
                registry.match(pixels)
            timings[name] = round((time.process_time() - start) / len(queries) * 1e3, 1)
    return {"codes": options.codes, "CPU milliseconds": timings}


def _resident() -> float:
    """Resident memory in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sections = {f.__name__: f for f in (recall, alike, index, skew, upload)}
    parser.add_argument("section", choices=sections)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--works", type=int, default=1000)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--edits", nargs="*", default=[])
    parser.add_argument("--drawings", type=int, default=120)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--skip", nargs="*", default=[])
    options = parser.parse_args()
    print(json.dumps(sections[options.section](options), indent=1))


if __name__ == "__main__":
    main()

"""How often an edited picture that is not registered is called a copy of one that is.

    python tests/benchmarks/matching_impostors.py run --images DIR --strangers SET... --out FILE
    python tests/benchmarks/matching_impostors.py summary --out FILE [--same PAIRS.csv]
    python tests/benchmarks/matching_impostors.py hashes --images DIR --strangers SET... --out FILE

`DIR` holds one folder for each collection. The collections named by `--strangers` are edited in
38 ways and asked about, all others are registered; collections are kept apart so that series of
one scene are. Each question is the whole decision: hashes, keypoint search, geometry. Every
answer goes to FILE as one JSON line, in a random order, so that an unfinished run is a sample; the
same command goes on with it. After a change that can only take findings away, delete the lines with
findings: they alone are asked again.

Collections still share pictures. Look at every pair that the summary lists and write those that
show one picture or one scene to PAIRS.csv (columns stranger,work); they are left out of the
rate, and counted. `hashes` looks at distances only: how near the nearest of the probes comes to an
unrelated picture, from which the thresholds are modelled.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import binomtest

from assay.datasets.copy_edits import copy_edits
from assay.provenance.matching import PoisonousWork, Registry
from assay.provenance.matching.fingerprints import fingerprint_v0, probes_v0
from assay.provenance.matching.normalising import normalise_v0

Pixels = NDArray[np.uint8]
SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LONGEST_SIDE = 512
KEY = bytes(32)  # of the difference hash, for `hashes`
BACKGROUNDS = 40  # for collages and insets: strangers too


def load(path: Path) -> Pixels:
    with Image.open(path) as image:
        picture = image.convert("RGB")
        picture.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        return np.asarray(picture)


def split(folder: Path, strangers: Sequence[str]) -> tuple[list[Path], list[Path]]:
    """Works to register and strangers to ask about, by collection."""
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES)
    asked = [p for p in paths if p.relative_to(folder).parts[0] in strangers]
    return [p for p in paths if p not in set(asked)], asked


def run(options: argparse.Namespace) -> None:
    works, strangers = split(options.images, options.strangers)
    questions = [(path, edit) for path in strangers for edit in copy_edits([])]
    random.Random(11).shuffle(questions)
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "registry.sqlite"
        registered = register(works, options.images, database)
        print(f"{registered} works, {len(questions)} questions", flush=True)
        if not options.out.exists():
            options.out.write_text(json.dumps({"works": registered}) + "\n")
        slices = [
            (options, database, questions[n :: options.processes], n)
            for n in range(options.processes)
        ]
        with get_context("spawn").Pool(options.processes) as pool:
            pool.map(ask, slices)
    summary(options)


def register(works: Sequence[Path], folder: Path, database: Path) -> int:
    refused = 0
    with Registry(database) as registry:
        for path in works:
            try:
                registry.add(load(path), {"id": str(path.relative_to(folder))})
            except PoisonousWork:
                refused += 1
    return len(works) - refused


def ask(part: tuple[argparse.Namespace, Path, list[tuple[Path, str]], int]) -> None:
    options, database, questions, number = part
    cv2.setNumThreads(1)
    _, strangers = split(options.images, options.strangers)
    backgrounds = [load(path) for path in strangers[:: max(1, len(strangers) // BACKGROUNDS)]]
    edits = copy_edits(backgrounds)
    until = options.cpu_minutes * 60
    answered = {(a["stranger"], a["edit"]) for a in answers_in(options.out)}
    with Registry(database) as registry, options.out.open("a") as out:
        for place, (path, edit) in enumerate(questions):
            if time.process_time() > until:
                return
            if (str(path.relative_to(options.images)), edit) in answered:
                continue
            query = np.ascontiguousarray(edits[edit](load(path), number + place))
            start = time.process_time()
            found = registry.match(query, disclose=True)
            answer = {
                "stranger": str(path.relative_to(options.images)),
                "edit": edit,
                "ms": round((time.process_time() - start) * 1e3, 1),
                "found": [
                    {
                        "work": match.work_id,
                        "decision": match.decision,
                        "bits": match.receipt.distance,
                        "inliers": g.inliers if (g := match.receipt.geometry) else 0,
                        "coverage": g.coverage if g else 0.0,
                    }
                    for match in found
                ],
            }
            out.write(json.dumps(answer) + "\n")
            out.flush()


def answers_in(path: Path) -> list[dict[str, Any]]:
    """Every answer after the first line, which tells the number of works."""
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


def summary(options: argparse.Namespace) -> None:
    works = json.loads(options.out.read_text().split("\n", 1)[0])["works"]
    answers = answers_in(options.out)
    same = read_pairs(options.same)
    pairs = len(answers) * works
    named: Counter[str] = Counter()
    excluded: Counter[str] = Counter()
    matched: dict[tuple[str, str], list[str]] = {}
    for answer in answers:
        for found in answer["found"]:
            pair = (answer["stranger"], found["work"])
            (excluded if pair in same else named)[found["decision"]] += 1
            if pair not in same and found["decision"] == "match":
                matched.setdefault(pair, []).append(
                    f"{answer['edit']} {found['inliers']} places {found['coverage']:.2f}"
                )
    strangers = len({answer["stranger"] for answer in answers})
    report: dict[str, Any] = {
        "works": works,
        "strangers": strangers,
        "questions": len(answers),
        "pairs": pairs,
        "CPU milliseconds a question": round(float(np.mean([a["ms"] for a in answers])), 1),
        "left out as the same picture or scene": dict(excluded),
        "pairs of originals left out": len(same),
        "named": dict(named),
        "rate a pair": {
            decision: {"rate": count / pairs, "95 %": interval(count, pairs)}
            for decision in ("match", "verify", "review")
            for count in [named[decision]]
        },
        # Edits of one stranger are not independent: the same, counting each pair of originals once.
        "pairs of originals matched": {
            "count": len(matched),
            "rate": len(matched) / (strangers * works),
            "95 %": interval(len(matched), strangers * works),
        },
        "matched": {" = ".join(pair): edits for pair, edits in sorted(matched.items())},
    }
    print(json.dumps(report, indent=1))


def hashes(options: argparse.Namespace) -> None:
    works, strangers = split(options.images, options.strangers)
    edits = copy_edits([load(path) for path in strangers[:: max(1, len(strangers) // BACKGROUNDS)]])
    questions = [(path, edit) for path in strangers for edit in edits]
    random.Random(11).shuffle(questions)
    names = [str(path.relative_to(options.images)) for path in works]
    prints = [fingerprint_v0(load(path), KEY) for path in works]
    stored = {
        "pdq": np.frombuffer(b"".join(p.pdq for p in prints), np.uint64).reshape(-1, 4),
        "difference": np.frombuffer(
            b"".join(p.difference or bytes(32) for p in prints), np.uint64
        ).reshape(-1, 4),
    }
    featureless = np.array([p.featureless for p in prints])
    same = read_pairs(options.same)
    histograms = {kind: np.zeros(257, np.int64) for kind in stored}
    near: Counter[str] = Counter()
    asked = 0
    for number, (path, edit) in enumerate(questions):
        if time.process_time() > options.cpu_minutes * 60:
            break
        probes = probes_v0(normalise_v0(np.ascontiguousarray(edits[edit](load(path), number))), KEY)
        stranger = str(path.relative_to(options.images))
        counted = ~featureless & np.array([(stranger, name) not in same for name in names])
        asked += int(counted.sum())
        for kind, codes in stored.items():
            queries = [np.frombuffer(getattr(probe, kind), np.uint64) for probe in probes]
            away = np.min([np.bitwise_count(codes ^ q).sum(1) for q in queries], axis=0)
            histograms[kind] += np.bincount(away[counted].astype(np.int64), minlength=257)
            if kind == "pdq":
                near.update(
                    f"{stranger} = {names[i]}" for i in np.flatnonzero(counted & (away <= 31))
                )
    report = {
        "pairs": asked,
        "distance within which a share of pairs is": {
            kind: {f"1e-{n}": _within(histogram, 10.0**-n) for n in range(3, 9)}
            for kind, histogram in histograms.items()
        },
        "pairs of originals with PDQ within 31": dict(near),
    }
    options.out.write_text(json.dumps(report, indent=1))
    print(json.dumps(report, indent=1))


def _within(histogram: NDArray[np.int64], share: float) -> int | None:
    """None where there are too few pairs to tell."""
    total = np.cumsum(histogram)
    allowed = share * total[-1]
    return int(np.searchsorted(total, allowed)) if allowed >= 1 else None


def read_pairs(path: Path | None) -> set[tuple[str, str]]:
    if path is None:
        return set()
    with path.open(newline="") as handle:
        return {(row["stranger"], row["work"]) for row in csv.DictReader(handle)}


def interval(count: int, trials: int) -> tuple[float, float]:
    """Clopper-Pearson, 95 %."""
    found = binomtest(count, trials).proportion_ci(0.95, "exact")
    return float(f"{found.low:.3g}"), float(f"{found.high:.3g}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("section", choices=["run", "summary", "hashes"])
    parser.add_argument("--images", type=Path)
    parser.add_argument("--strangers", nargs="+", default=[])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--same", type=Path)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--cpu-minutes", type=float, default=45, help="for each process")
    options = parser.parse_args()
    {"run": run, "summary": summary, "hashes": hashes}[options.section](options)


if __name__ == "__main__":
    main()

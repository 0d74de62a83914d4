"""Where the detector stops: gates, added noise, attacks, pasted regions.

    python tests/benchmarks/detector_limits.py gates MANIFEST
    python tests/benchmarks/detector_limits.py adversarial MANIFEST
    python tests/benchmarks/detector_limits.py splices MANIFEST

Each reports shares with their counts; nothing is claimed beyond them. MANIFEST is a CSV with the
columns path,label,generator,source; at most ten pictures of each group are used.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import recompress
from assay.datasets.manifests import Row, cap_per_group, read_manifest
from assay.detector import score
from assay.detector.degradation import examine_condition
from assay.detector.domain import examine_domain
from assay.detector.evaluation.metrics import auc
from assay.detector.features import extract
from assay.detector.linear import LinearModel
from assay.detector.loading import linear_part, load_model
from assay.detector.localisation import LONG_SIDE, locate
from assay.detector.neutralisation import compress, neutralise, reduce
from assay.errors import InputRefused
from assay.media import Media

Pixels = NDArray[np.uint8]

_WORKING_SIDE = 1400
_MOST_PER_GROUP = 10
_BUDGET = 2.0  # grey levels of 255
_STEPS = 60


def pictures(manifest: Path, most: int = _MOST_PER_GROUP) -> Iterator[tuple[Row, Pixels]]:
    """Pictures with a long side of at least 400 px, at most 1400 px."""
    for row in cap_per_group(read_manifest(manifest), most):
        try:
            pixels = Media.open(row.path, any_extension=True).pixels()
        except InputRefused as refusal:
            print(refusal, file=sys.stderr)
            continue
        if max(pixels.shape[:2]) >= 400:
            yield row, reduce(pixels, _WORKING_SIDE)


def gates(manifest: Path) -> None:
    """On how many pictures each gate abstains, and which damage the degradation gate notices."""
    degradations: dict[str, Callable[[Pixels], Pixels]] = {
        "JPEG 10": lambda p: recompress("JPEG", 10)(p, np.random.default_rng(0)),
        "JPEG 20": lambda p: recompress("JPEG", 20)(p, np.random.default_rng(0)),
        "JPEG 30": lambda p: recompress("JPEG", 30)(p, np.random.default_rng(0)),
        "enlarged x1.5": lambda p: _resize(p, 1.5, cv2.INTER_CUBIC),
        "enlarged x2": lambda p: _resize(p, 2, cv2.INTER_CUBIC),
        "enlarged x2, bilinear": lambda p: _resize(p, 2, cv2.INTER_LINEAR),
        "enlarged x4": lambda p: _resize(p, 4, cv2.INTER_CUBIC),
        "reduced to 240 px": lambda p: reduce(p, 240),
    }
    seen: Counter[str] = Counter()
    found: Counter[tuple[str, str]] = Counter()
    noticed: Counter[str] = Counter()
    tried = 0
    for row, pixels in pictures(manifest):
        seen[row.label] += 1
        result = score(pixels)
        found[row.label, result.gate or "claimed"] += 1
        if examine_domain(pixels).objection():
            found[row.label, "domain gate alone"] += 1
        if examine_condition(pixels).objection():
            found[row.label, "degradation gate alone"] += 1
        if result.log_odds > result.model.threshold:
            found[row.label, "above the threshold"] += 1
        if not row.generated and seen["real"] % 4 == 0 and max(pixels.shape[:2]) >= 800:
            tried += 1
            for name, damage in degradations.items():
                noticed[name] += bool(examine_condition(damage(reduce(pixels, 800))).objection())
    for (label, name), count in sorted(found.items()):
        print(f"{label:<10} {name:<24} {count:>5} of {seen[label]} ({count / seen[label]:.3f})")
    for name in degradations:
        print(f"noticed    {name:<24} {noticed[name]:>5} of {tried}")


def _resize(pixels: Pixels, scale: float, method: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=method), np.uint8)


def adversarial(manifest: Path) -> None:
    """Claims and log-odds after changes of at most 2/255, with sixty queries of the model.

    `random sign` adds +-2 at random; `random search` tries sixty patterns and keeps what lowers
    the score. Pictures are those of the manifest that the frequency model alone puts above its
    threshold, in the standard rendition.
    """
    model = linear_part(load_model())
    rng = np.random.default_rng(0)
    names = ("untouched", "random sign", "random search")
    rows: dict[str, list[float]] = {name: [] for name in names}
    claims: Counter[str] = Counter()
    for row, pixels in pictures(manifest, 6):
        if not row.generated:
            continue
        crop = neutralise(pixels, model.rendition)
        if min(crop.shape[:2]) < 256:
            continue
        before = _log_odds(crop, model)
        if before <= model.threshold:
            continue
        attacked = {
            "untouched": crop,
            "random sign": _add(crop, rng.choice([-_BUDGET, _BUDGET], crop.shape)),
            "random search": _search(crop, model, rng),
        }
        for name, picture in attacked.items():
            value = _log_odds(picture, model)
            rows[name].append(value)
            claims[name] += value > model.threshold
        if len(rows["untouched"]) == 30:
            break
    for name in names:
        median = float(np.median(rows[name])) if rows[name] else float("nan")
        print(f"{name:<16} {claims[name]:>3} of {len(rows[name])} claims, median {median:+.2f}")


def _search(crop: Pixels, model: LinearModel, rng: np.random.Generator) -> Pixels:
    """Greedy search over +-2 patterns: sinusoids, checkerboards, blur and noise directions.

    Only scores are used. A few thousand queries and the gradient would do better; this is a
    lower bound on what an attacker reaches.
    """
    best, lowest = np.zeros(crop.shape, np.float32), _log_odds(crop, model)
    smooth = cv2.GaussianBlur(crop, (0, 0), 1.0).astype(np.float32) - crop
    for step in range(_STEPS):
        if step == 0:
            move = _BUDGET * np.sign(smooth)
        elif step == 1:
            move = -_BUDGET * np.sign(smooth)
        else:
            sigma = rng.choice([0.0, 0.5, 0.8, 1.2, 2.0])
            noise = rng.normal(0, 1, crop.shape).astype(np.float32)
            if rng.random() < 0.5:
                noise[...] = noise[..., :1]
            move = _BUDGET * np.sign(cv2.GaussianBlur(noise, (0, 0), sigma) if sigma else noise)
        share = (rng.random(crop.shape[:2]) < rng.choice([0.2, 0.5, 1.0]))[..., None]
        candidate = np.clip(np.where(share, move, best), -_BUDGET, _BUDGET)
        value = _log_odds(_add(crop, candidate), model)
        if value < lowest:
            best, lowest = candidate, value
    return _add(crop, best)


def _add(crop: Pixels, change: NDArray[np.floating]) -> Pixels:
    return np.asarray(np.clip(crop + change + 0.5, 0, 255), np.uint8)


def _log_odds(crop: Pixels, model: LinearModel) -> float:
    """Of a picture that is delivered without further loss."""
    return float(model.members(extract(neutralise(crop, model.rendition))[None]).mean())


def splices(manifest: Path) -> None:
    """How often a pasted part of a third to a half of each side stands out, and where.

    Scores of the shipped model are too good on the pictures it was trained with; give a manifest
    of others.
    """
    loaded = list(pictures(manifest, 6))
    model = linear_part(load_model())
    rng = np.random.default_rng(0)
    contrasts: dict[str, list[float]] = {"untouched": [], "generated": [], "real": []}
    overlaps: dict[str, list[float]] = {"generated": [], "real": []}
    for row, pixels in loaded:
        if row.generated or min(pixels.shape[:2]) < 600:
            continue
        host = reduce(pixels, LONG_SIDE)
        height, width = (int(side * rng.uniform(0.33, 0.5)) for side in host.shape[:2])
        top = int(rng.integers(0, host.shape[0] - height))
        left = int(rng.integers(0, host.shape[1] - width))
        for kind in contrasts:
            picture = host.copy()
            if kind != "untouched":
                donors = [p for r, p in loaded if r.label == kind and r.source != row.source]
                donor = reduce(donors[rng.integers(len(donors))], LONG_SIDE)
                part = donor[:height, :width]
                picture[top : top + part.shape[0], left : left + part.shape[1]] = part
            region = locate(compress(picture, 90), model)
            if region is None:
                continue
            contrasts[kind].append(region.contrast)
            if kind != "untouched":
                overlaps[kind].append(_overlap(region.box, (left, top, left + width, top + height)))
    untouched = np.array(contrasts["untouched"])
    shares = " ".join(f"{q} %: {np.percentile(untouched, q):.2f}" for q in (50, 90, 95, 99))
    print(f"untouched  {len(untouched)} pictures, contrast at {shares}")
    for kind, values in overlaps.items():
        found = np.array(contrasts[kind])
        print(
            f"{kind:<10} AUC against untouched {auc(untouched, found):.3f}, mean overlap "
            f"{np.mean(values):.2f}, overlap above one half {np.mean(np.array(values) > 0.5):.2f}"
        )


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> float:
    """Area of the intersection over that of the union of two boxes."""
    width = max(0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = sum((b[2] - b[0]) * (b[3] - b[1]) for b in (one, other))
    return width * height / max(areas - width * height, 1)


if __name__ == "__main__":
    commands = {"gates": gates, "adversarial": adversarial, "splices": splices}
    commands[sys.argv[1]](Path(sys.argv[2]))

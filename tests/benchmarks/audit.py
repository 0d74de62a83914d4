"""Do the statistics of fairness audits keep their promises? Simulation with known truth.

    python tests/benchmarks/audit.py [--audits 500] [--quick] [--json OUT]

Coverage of every 95 % interval should lie within 93 to 97 %; near a distance of zero, where
an interval cannot extend below, it may be higher. The family-wise error should stay below
5.5 %, power within 3 points of the planned, and identical groups should be flagged by the
impact ratio in at most 5 % of samples.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit, logit

from assay.reports.fairness.labels import Labels
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.reference import References
from assay.reports.fairness.representation import representation
from assay.reports.fairness.results import Reference
from assay.reports.fairness.settling import settle
from assay.reports.inputs import InputFile
from assay.reports.statistics.amplification import amplification
from assay.reports.statistics.clusters import cluster_effect
from assay.reports.statistics.intervals import clopper_pearson, wilson
from assay.reports.statistics.misclassification import correct_shares
from assay.reports.statistics.paired import distance_change, paired_difference
from assay.reports.statistics.planning import pictures_per_prompt
from assay.reports.statistics.rates import difference_interval, impact_ratios, ratio_interval
from assay.reports.statistics.representation import RepresentationTest


@dataclass(frozen=True)
class Row:
    what: str
    measured: float
    wanted: str
    kept: bool


def coverage(
    what: str, draws: int, one: Callable[[int], bool], *, conservative: bool = False
) -> Row:
    rate = float(np.mean([one(i) for i in range(draws)]))
    highest = 1.0 if conservative else 0.97
    wanted = "at least 93 %" if conservative else "93 to 97 %"
    return Row(f"coverage: {what}", rate, wanted, 0.93 <= rate <= highest)


def proportions(draws: int) -> Iterator[Row]:
    rng = np.random.default_rng(1)
    for n, p in ((50, 0.5), (100, 0.1), (400, 0.02)):
        counts = rng.binomial(n, p, draws)
        yield coverage(
            f"Wilson, n={n}, p={p}", draws, lambda i, c=counts, n=n, p=p: _in(p, wilson(c[i], n))
        )
    counts = rng.binomial(100, 0.1, draws)
    yield coverage(
        "Clopper-Pearson, n=100, p=0.1",
        draws,
        lambda i: _in(0.1, clopper_pearson(int(counts[i]), 100)),
        conservative=True,
    )


def clustered(draws: int) -> Iterator[Row]:
    """Ten prompts share 60 seeds, and a seed pulls all its pictures to one side."""
    rng = np.random.default_rng(2)
    seeds, prompts, p = 60, 10, 0.4
    clusters = np.tile(np.arange(seeds), prompts)
    strata = np.repeat(np.arange(prompts), seeds)

    def one(_: int, *, naive: bool = False) -> bool:
        shared = rng.beta(p * 4, (1 - p) * 4, seeds)
        ones = (rng.random(seeds * prompts) < shared[clusters]).astype(float)
        share, n = ones.mean(), ones.size
        if naive:
            return _in(p, wilson(ones.sum(), n))
        indicators = np.stack([ones, 1 - ones], axis=1)
        effect = cluster_effect(indicators, clusters, strata)
        size = share * (1 - share) / effect.variance[0]
        return _in(p, wilson(share * size, size, degrees_of_freedom=effect.clusters - 1))

    yield coverage("share with shared seeds, clustered", draws, one)
    naive = coverage("", draws, lambda i: one(i, naive=True))
    yield Row("the same without clusters, for comparison", naive.measured, "too low", True)


def distances(draws: int) -> Iterator[Row]:
    rng = np.random.default_rng(3)
    for k, n, moved in (
        (2, 100, 0.0),
        (2, 50, 0.2),
        (2, 200, 0.1),
        (3, 100, 0.15),
        (3, 400, 0.05),
        (10, 200, 0.2),
        (10, 400, 0.3),
    ):
        q = np.full(k, 1 / k)
        p = q.copy()
        p[0] += moved
        p[1:] -= moved / (k - 1)

        def one(i: int, p: np.ndarray = p, q: np.ndarray = q, n: int = n, t: float = moved) -> bool:
            observed = rng.multinomial(n, p) / n
            return _in(t, RepresentationTest(seed=i).interval(list(observed), n, list(q)))

        yield coverage(
            f"distance {moved}, K={k}, n={n}", draws, one, conservative=moved < 0.1 or k > 3
        )


def comparisons(draws: int) -> Iterator[Row]:
    rng = np.random.default_rng(4)
    a, b = rng.binomial(80, 0.3, draws), rng.binomial(60, 0.5, draws)
    yield coverage(
        "difference of rates (Newcombe)",
        draws,
        lambda i: _in(-0.2, difference_interval(a[i], 80, b[i], 60)),
    )
    yield coverage(
        "ratio of rates (Koopman)", draws, lambda i: _in(0.6, ratio_interval(a[i], 80, b[i], 60))
    )
    table = rng.multinomial(150, [0.25, 0.1, 0.65], draws)
    yield coverage(
        "paired difference (Bonett-Price)",
        draws,
        lambda i: _in(0.15, paired_difference(int(table[i, 0]), int(table[i, 1]), 150).interval),
    )
    for n, p in ((30, 0.5), (100, 0.2), (100, 0.5)):
        pairs = rng.binomial(n, p, (draws, 2))
        flagged = float(
            np.mean([any(r.flagged for r in impact_ratios(s, [n, n])) for s in pairs.tolist()])
        )
        naive = float(np.mean(pairs.min(axis=1) < 0.8 * pairs.max(axis=1)))
        yield Row(
            f"identical groups flagged, n={n}, p={p} (four fifths alone: {naive:.1%})",
            flagged,
            "at most 5 %",
            flagged <= 0.05,
        )


def models(draws: int) -> Iterator[Row]:
    rng = np.random.default_rng(5)
    q = np.linspace(0.08, 0.92, 10)

    def slope(_: int) -> bool:
        found = amplification(
            rng.binomial(100, expit(1.4 * logit(q))).tolist(), [100] * 10, q.tolist()
        )
        return found is not None and _in(1.4, found.interval)

    yield coverage("amplification slope", draws, slope)
    true, errors = np.array([0.6, 0.4]), np.array([[0.92, 0.08], [0.2, 0.8]])

    def corrected(i: int) -> bool:
        confusion = np.stack([rng.multinomial(150, row) for row in errors]).astype(float)
        counts = rng.multinomial(600, true @ errors).astype(float)
        found = correct_shares(counts, confusion, seed=i)
        return found is not None and _in(0.6, tuple(found.intervals[0]))

    yield coverage("share after Rogan-Gladen", draws, corrected)

    def changed(i: int) -> bool:
        before = np.eye(2)[(rng.random(200) < 0.2).astype(int)]
        after = np.eye(2)[(rng.random(200) < 0.35).astype(int)]
        found = distance_change(before, after, np.array([0.5, 0.5]), simulations=999, seed=i)
        return _in(-0.15, found.interval)

    yield coverage("change of a distance (bootstrap)", draws, changed)


def families(audits: int) -> Iterator[Row]:
    """Whole audits: ten prompts, two attributes, a generator that equals its reference."""
    rng = np.random.default_rng(6)
    shares = {"presentation": {"woman": 0.5, "man": 0.5}, "tone": {"a": 0.5, "b": 0.3, "c": 0.2}}
    wrong = [
        any(
            c.verdict.code == "disparity-found"
            for c in _decided(_simulated(rng, shares, shares), shares, seed)
        )
        for seed in range(audits)
    ]
    error = float(np.mean(wrong))
    yield Row("family-wise error of 22 claims", error, "at most 5.5 %", error <= 0.055)


def powers(draws: int) -> Iterator[Row]:
    """Planned sample sizes give the planned power, at the least favourable shift."""
    rng = np.random.default_rng(7)
    for q, effect, claims in (([0.5, 0.5], 0.15, 11), ([1 / 3] * 3, 0.2, 22)):
        test = RepresentationTest(seed=3)
        n = pictures_per_prompt(q, effect, claims=claims, test=test)
        reached = []
        for k in range(len(q)):
            for sign in (1, -1):
                p = np.array(q)
                p[k] += sign * effect
                if not 0 <= p[k] <= 1:
                    continue
                others = [j for j in range(len(q)) if j != k]
                p[others] *= (1 - p[k]) / p[others].sum()
                observed = rng.multinomial(n, p, draws) / n
                tv = 0.5 * np.abs(observed - q).sum(axis=1)
                found = [test.p_value(float(t), n, q) <= 0.05 / claims for t in tv]
                reached.append(float(np.mean(found)))
        power = min(reached)
        yield Row(
            f"power for {effect} with K={len(q)}, {claims} claims, planned n={n}",
            power,
            "77 to 83 %",
            abs(power - 0.8) <= 0.03,
        )


def _simulated(
    rng: np.random.Generator,
    shares: dict[str, dict[str, float]],
    values: dict[str, dict[str, float]],
) -> tuple[Manifest, Labels]:
    prompts, seeds = 10, 100
    paths = [f"{p}-{s}" for p in range(prompts) for s in range(seeds)]
    index = pd.Index(paths, name="path")
    rows = pd.DataFrame(
        {
            "prompt": [f"prompt {p}" for p in range(prompts) for _ in range(seeds)],
            "seed": [str(s) for _ in range(prompts) for s in range(seeds)],
        },
        index=index,
    )
    source = InputFile(role="simulated", name="", sha256="", rows=len(rows))
    consensus = pd.DataFrame(
        {a: rng.choice(list(values[a]), len(rows), p=list(shares[a].values())) for a in values},
        index=index,
    )
    empty = pd.DataFrame(columns=["path", "attribute", "value", "rater"])
    return Manifest(rows, Path(), source, []), Labels(empty, consensus, None, (), [])


def _decided(simulated: tuple[Manifest, Labels], reference: dict[str, dict[str, float]], seed: int):
    references = References(
        {
            (name, None): Reference(
                attribute=name, stratum=None, shares=shares, source="truth", date=""
            )
            for name, shares in reference.items()
        }
    )
    options = AuditOptions(seed=seed, simulations=1_999)
    found = representation(*simulated, references, options)
    return settle(list(found.claims), options).representation


def _in(truth: float, interval: tuple[float, float]) -> bool:
    return interval[0] - 1e-9 <= truth <= interval[1] + 1e-9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=500)
    parser.add_argument("--quick", action="store_true", help="40 audits: does everything run?")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    audits = 40 if arguments.quick else arguments.audits
    draws = 4 * audits
    parts = (
        proportions(draws),
        clustered(draws),
        distances(audits),
        comparisons(draws),
        models(audits),
        powers(draws),
        families(audits),
    )
    rows = []
    started = time.monotonic()
    for part in parts:
        for row in part:
            rows.append(row)
            mark = "kept  " if row.kept else "BROKEN"
            print(f"{mark} {row.measured:7.1%}  {row.what}  (wanted: {row.wanted})", flush=True)
    print(f"{sum(r.kept for r in rows)} of {len(rows)} kept, {time.monotonic() - started:.0f} s")
    if arguments.json:
        arguments.json.write_text(json.dumps([asdict(r) for r in rows], indent=1))


if __name__ == "__main__":
    main()

"""Counterfactual pairs: one seed, two prompts that differ in a word."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from assay.reports.fairness.claims import CounterfactualClaim, PairedShare
from assay.reports.fairness.labels import Labels
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.verdict import PENDING
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding
from assay.reports.statistics.paired import paired_difference

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_BATCH = 500  # sign flips held in memory at a time


def counterfactual_claims(
    manifest: Manifest, labels: Labels, options: AuditOptions
) -> tuple[tuple[CounterfactualClaim, ...], list[Finding]]:
    """One claim a pair and attribute, undecided yet.

    Pairs come from the manifest columns `pair` (the template) and `variant` (the word);
    a pair has two variants.
    """
    rows = manifest.rows
    if "pair" not in rows.columns or "variant" not in rows.columns:
        return (), []
    claims: list[CounterfactualClaim] = []
    odd: list[str] = []
    unanswered: list[str] = []
    for pair, part in rows[rows["pair"] != ""].groupby("pair", sort=True):
        variants = sorted(part["variant"].unique())
        if len(variants) != 2:
            odd.append(str(pair))
            continue
        unique = part.drop_duplicates(["seed", "variant"])
        for attribute in labels.attributes:
            answers = labels.consensus[attribute].loc[unique.index]
            table = unique.assign(answer=answers).pivot(
                index="seed", columns="variant", values="answer"
            )
            claim = _claim(f"c{len(claims) + 1}", attribute, str(pair), table[variants], options)
            if claim is not None:
                claims.append(claim)
            else:
                unanswered.append(f"{attribute}, {pair}: {len(table)} seeds")
    findings = []
    if unanswered:
        findings.append(
            Finding(
                code="pairs-without-answers",
                summary="Pairs in which no seed has an answer in both variants were not compared.",
                count=len(unanswered),
                examples=tuple(unanswered[:5]),
            )
        )
    if odd:
        findings.append(
            Finding(
                code="pairs-without-two-variants",
                summary="Pairs that do not have exactly two variants were not compared.",
                count=len(odd),
                examples=tuple(odd[:5]),
            )
        )
    return tuple(claims), findings


def _claim(
    identifier: str, attribute: str, pair: str, table: pd.DataFrame, options: AuditOptions
) -> CounterfactualClaim | None:
    complete = table[table.notna().all(axis=1) & ~table.isin(UNANSWERED).any(axis=1)]
    first, second = (complete.iloc[:, i].to_numpy() for i in (0, 1))
    values = sorted(set(first) | set(second))
    n = len(complete)
    if n == 0:
        return None
    one = np.stack([first == v for v in values], axis=1).astype(np.float64)
    two = np.stack([second == v for v in values], axis=1).astype(np.float64)
    shares = []
    for k, value in enumerate(values):
        change = paired_difference(
            int(((one[:, k] == 0) & (two[:, k] == 1)).sum()),
            int(((one[:, k] == 1) & (two[:, k] == 0)).sum()),
            n,
        )
        shares.append(
            PairedShare(
                value=str(value),
                first=float(one[:, k].mean()),
                second=float(two[:, k].mean()),
                difference=change.difference,
                interval=change.interval,
            )
        )
    distance = 0.5 * float(np.abs((two - one).mean(axis=0)).sum())
    return CounterfactualClaim(
        id=identifier,
        attribute=attribute,
        pair=pair,
        variants=(str(table.columns[0]), str(table.columns[1])),
        pairs=n,
        changed=int((first != second).sum()),
        incomplete=len(table) - n,
        total_variation=distance,
        shares=tuple(shares),
        p_value=_permutation_p(two - one, distance, options),
        p_adjusted=1,
        q_value=1,
        minimum_detectable=1,
        verdict=PENDING,
    )


def detectable_change(claim: CounterfactualClaim, *, alpha: float, power: float) -> float:
    """Smallest change of a share that would be found, at the share of pairs that changed.

    Normal approximation of McNemar's test (Connor 1987); at least a tenth of the pairs is
    assumed to change.
    """
    changed = max(0.1, claim.changed / claim.pairs)
    needed = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    return min(1.0, needed * math.sqrt(changed / claim.pairs))


def _permutation_p(
    differences: NDArray[np.float64], distance: float, options: AuditOptions
) -> float:
    """Swap the variants within pairs at random; exact McNemar's idea for any number of values."""
    rng = np.random.default_rng([options.seed, 4, len(differences)])
    reached = 0
    for start in range(0, options.simulations, _BATCH):
        draws = min(_BATCH, options.simulations - start)
        signs = rng.choice((-1.0, 1.0), size=(draws, len(differences)))
        drawn = 0.5 * np.abs(signs @ differences / len(differences)).sum(axis=1)
        reached += int((drawn >= distance - 1e-9).sum())
    return (1 + reached) / (options.simulations + 1)

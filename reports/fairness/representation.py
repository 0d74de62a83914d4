"""Representation claims: is this attribute distributed as the reference says?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.reports.fairness.claims import RepresentationClaim, Share
from assay.reports.fairness.labels import Labels
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.options import AuditOptions
from assay.reports.fairness.reference import References
from assay.reports.fairness.results import Reference, Suppressed
from assay.reports.fairness.verdict import PENDING
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding
from assay.reports.statistics import distance
from assay.reports.statistics.clusters import ClusterEffect, cluster_effect
from assay.reports.statistics.intervals import wilson
from assay.reports.statistics.representation import RepresentationTest

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_HOLM_HEADROOM = 40  # null draws per claim, so that the smallest p-value survives Holm


@dataclass(frozen=True)
class Representation:
    """Every representation claim of an audit, and what could not become one."""

    claims: tuple[RepresentationClaim, ...]
    references: tuple[Reference, ...]
    suppressed: tuple[Suppressed, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Sample:
    """Pictures of one claim before anything is tested."""

    attribute: str
    stratum: str | None
    values: pd.Series[str]
    prompts: pd.Series[str]
    clusters: NDArray[np.intp]
    reference: Reference

    @property
    def answered(self) -> pd.Series[bool]:
        return self.values.isin(list(self.reference.shares))


def representation(
    manifest: Manifest,
    labels: Labels,
    references: References,
    options: AuditOptions,
    *,
    others: int = 0,
) -> Representation:
    """Test every attribute, in all prompts together and in each prompt that is large enough.

    A single prompt is tested once, unless the two have references of their own.

    Args:
        others: claims of other kinds that are corrected together with these.

    Returns:
        Claims that are not decided yet: p-values are corrected over all claims of an audit.
    """
    samples: list[_Sample] = []
    suppressed: list[Suppressed] = []
    findings: list[Finding] = []
    clusters = _clusters(manifest.rows)
    prompts = manifest.rows["prompt"]
    for attribute in labels.attributes:
        values = labels.consensus[attribute]
        whole = references.find(attribute, None, values)
        findings += _unlisted_values(attribute, values, references, whole)
        if whole is not None:
            samples.append(_Sample(attribute, None, values, prompts, clusters, whole))
        tested = whole if prompts.nunique() == 1 else None
        shown, small = _by_prompt(attribute, values, prompts, clusters, references, options, tested)
        samples += shown
        if small:
            suppressed.append(
                Suppressed(attribute=attribute, strata=len(small), pictures=sum(small))
            )
        if not any(s.attribute == attribute for s in samples):
            findings.append(
                Finding(
                    code="no-comparison",
                    summary=f"{attribute}: fewer than two values or no reference that applies, "
                    "so nothing was tested.",
                    count=len(values),
                )
            )
    claims = _test(samples, options, family=len(samples) + others)
    used = {(s.reference.attribute, s.reference.stratum): s.reference for s in samples}
    ordered = tuple(used[key] for key in sorted(used, key=lambda k: (k[0], k[1] or "")))
    return Representation(claims, ordered, tuple(suppressed), tuple(findings))


def _by_prompt(
    attribute: str,
    values: pd.Series[str],
    prompts: pd.Series[str],
    clusters: NDArray[np.intp],
    references: References,
    options: AuditOptions,
    tested: Reference | None,
) -> tuple[list[_Sample], list[int]]:
    """Samples of the prompts that are large enough, and the sizes of the others.

    `tested` is what these very pictures are compared with already, where there is one prompt.
    """
    samples, small = [], []
    for prompt, index in _groups(prompts):
        reference = references.find(attribute, prompt, values)
        if reference is None or (tested is not None and reference.shares == tested.shares):
            continue
        if len(index) < options.smallest_cell:
            small.append(len(index))
            continue
        part = (attribute, prompt, values.iloc[index], prompts.iloc[index], clusters[index])
        samples.append(_Sample(*part, reference))
    return samples, small


def _test(
    samples: list[_Sample], options: AuditOptions, *, family: int
) -> tuple[RepresentationClaim, ...]:
    simulations = max(options.simulations, _HOLM_HEADROOM * family - 1)
    test = RepresentationTest(simulations=simulations, seed=options.seed)
    return tuple(
        _claim(f"r{number}", sample, test, options.alpha / family, options)
        for number, sample in enumerate(samples, start=1)
    )


@dataclass(frozen=True)
class _Precision:
    effect: ClusterEffect | None
    n: int

    @property
    def design_effect(self) -> float:
        return max(1.0, self.effect.design_effect) if self.effect else 1.0


def _effect(sample: _Sample) -> _Precision:
    answered = sample.answered.to_numpy()
    n = int(answered.sum())
    if n < 2:
        return _Precision(None, n)
    one_hot = _one_hot(sample)
    effect = cluster_effect(
        one_hot, _codes(sample.clusters[answered]), _codes(sample.prompts[answered].to_numpy())
    )
    return _Precision(effect, max(1, int(n / max(1.0, effect.design_effect))))


def _claim(
    identifier: str,
    sample: _Sample,
    test: RepresentationTest,
    alpha: float,
    options: AuditOptions,
) -> RepresentationClaim:
    precision = _effect(sample)
    reference = list(sample.reference.shares.values())
    counts = _counts(sample)
    n = int(counts.sum())
    observed = counts / n if n else np.array(reference)
    tv = distance.total_variation(observed, reference)
    floor = test.floor(max(precision.n, 1), reference)
    unanswered = sample.values[~sample.answered].value_counts()
    detectable = 1.0
    if n:
        detectable = test.minimum_detectable(
            precision.n, reference, alpha=alpha, power=options.power
        )
    return RepresentationClaim(
        id=identifier,
        attribute=sample.attribute,
        stratum=sample.stratum,
        pictures=len(sample.values),
        answered=n,
        unanswered={str(k): int(v) for k, v in sorted(unanswered.items())},
        shares=_shares(sample, counts, precision),
        total_variation=tv,
        interval=test.interval(list(observed), precision.n, reference) if n else (0.0, 1.0),
        null_mean=floor[0],
        null_95=floor[1],
        bounds=distance.total_variation_bounds(counts, len(sample.values) - n, reference),
        jensen_shannon=distance.jensen_shannon(observed, reference),
        entropy=distance.normalised_entropy(observed),
        mean_absolute_deviation=distance.mean_absolute_deviation(observed),
        design_effect=precision.design_effect,
        effective_n=precision.n,
        p_value=test.p_value(tv, max(precision.n, 1), reference) if n else 1.0,
        p_adjusted=1,
        q_value=1,
        minimum_detectable=detectable,
        verdict=PENDING,
    )


def _shares(
    sample: _Sample, counts: NDArray[np.float64], precision: _Precision
) -> tuple[Share, ...]:
    n = counts.sum()
    result = []
    for k, (value, reference) in enumerate(sample.reference.shares.items()):
        share = counts[k] / n if n else 0.0
        size, freedom = n, None
        if precision.effect is not None and precision.effect.clusters < n:
            variance = precision.effect.variance[k]
            if variance > 0:
                size = share * (1 - share) / variance
            freedom = precision.effect.clusters - 1
        low, high = wilson(share * size, size, degrees_of_freedom=freedom)
        result.append(
            Share(
                value=value,
                count=int(counts[k]),
                share=share,
                interval=(low, high),
                reference=reference,
            )
        )
    return tuple(result)


def _unlisted_values(
    attribute: str, values: pd.Series[str], references: References, whole: Reference | None
) -> list[Finding]:
    listed = set(whole.shares) if whole else set()
    for (name, _), reference in references.entries.items():
        if name == attribute:
            listed |= set(reference.shares)
    unlisted = values[~values.isin(listed | set(UNANSWERED))]
    if not listed or unlisted.empty:
        return []
    return [
        Finding(
            code="unlisted-values",
            summary=f"{attribute}: values that the reference does not list; these pictures "
            "count as unanswered. List a value with share 0 to count it as disparity.",
            count=len(unlisted),
            examples=tuple(sorted(set(unlisted))[:5]),
        )
    ]


def _clusters(rows: pd.DataFrame) -> NDArray[np.intp]:
    """Pictures with one seed form a cluster; a picture without a seed is its own."""
    names = rows["seed"].to_numpy(dtype=object).copy()
    blank = names == ""
    names[blank] = [f"\0{i}" for i in np.flatnonzero(blank)]
    return _codes(names)


def _groups(prompts: pd.Series[str]) -> list[tuple[str, NDArray[np.intp]]]:
    groups = prompts.reset_index(drop=True).groupby(prompts.to_numpy(), sort=True).indices
    return [(str(prompt), np.asarray(index)) for prompt, index in groups.items()]


def _codes(names: NDArray[np.generic]) -> NDArray[np.intp]:
    import pandas as pd

    codes: NDArray[np.intp] = pd.factorize(names, sort=False)[0]
    return codes


def _one_hot(sample: _Sample) -> NDArray[np.float64]:
    kept = sample.values[sample.answered].to_numpy()
    return np.stack([kept == v for v in sample.reference.shares], axis=1).astype(np.float64)


def _counts(sample: _Sample) -> NDArray[np.float64]:
    counted = sample.values.value_counts()
    return np.array([counted.get(v, 0) for v in sample.reference.shares], dtype=np.float64)

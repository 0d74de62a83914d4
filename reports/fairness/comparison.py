"""Before and after: did a change of the generator bring it closer to the reference?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import ConfigDict, Field

from assay.errors import InputRefused
from assay.reports.fairness.labels import assemble, read_labels
from assay.reports.fairness.manifest import read_manifest
from assay.reports.fairness.reference import References, read_references
from assay.reports.fairness.vocabulary import Interval
from assay.reports.frozen import Frozen
from assay.reports.inputs import Finding, InputFile
from assay.reports.statistics.multiplicity import holm
from assay.reports.statistics.paired import DistanceChange, distance_change

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Literal["assay.audit-comparison/1"] = "assay.audit-comparison/1"
_TAIL = 0.025  # of a two-sided 95 % interval
Direction = Literal["closer", "further", "no-change", "cannot-tell"]


class Change(Frozen):
    """One attribute, over the prompts and seeds that both audits have."""

    attribute: str
    pairs: int
    unanswered: int = Field(description="Pairs without an answer before or after; left out.")
    changed: int = Field(description="Pairs with two different answers.")
    before: float = Field(description="total variation")
    after: float
    change: float = Field(description="after minus before; negative is closer")
    interval: Interval
    p_value: float
    p_adjusted: float
    largest: float = Field(
        description="Largest change, either way, that the pairs leave possible (95 %)."
    )
    direction: Direction
    summary: str


class Comparison(Frozen):
    """Two audits of one set of prompts and seeds."""

    schema_: Literal["assay.audit-comparison/1"] = Field(default=SCHEMA, alias="schema")
    inputs: tuple[InputFile, ...]
    pictures_before: int
    pictures_after: int
    unpaired_before: int = Field(description="Pictures without a partner after; left out.")
    unpaired_after: int
    smallest_effect: float = Field(description="Equivalence margin: a change that matters.")
    smallest_cell: int = Field(description="Fewer pairs are not judged.")
    alpha: float
    simulations: int
    seed: int
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True
    )


@dataclass(frozen=True)
class _Side:
    """Consensus answers by prompt and seed, and where they come from."""

    answers: pd.DataFrame
    inputs: tuple[InputFile, ...]
    findings: list[Finding]


@dataclass(frozen=True)
class _Paired:
    """What was measured of one attribute."""

    attribute: str
    pairs: int
    unanswered: int
    changed: int
    change: DistanceChange

    @property
    def largest(self) -> float:
        """Where no pair changed, resampling knows no spread: the exact bound of Clopper and
        Pearson on the share of pairs that change, which no distance can exceed."""
        if self.changed == 0:
            return float(1 - _TAIL ** (1 / self.pairs))
        return max(abs(bound) for bound in self.change.interval)


def compare(
    before: str | Path,
    after: str | Path,
    *,
    labels_before: str | Path,
    labels_after: str | Path,
    reference: str | Path | None = None,
    smallest_effect: float = 0.2,
    smallest_cell: int = 30,
    alpha: float = 0.05,
    simulations: int = 9_999,
    seed: int = 0,
) -> Comparison:
    """Compare two sets of pictures made from the same prompts and seeds.

    Args:
        before, after: manifests; pictures are paired by prompt and seed.
        labels_before, labels_after: label tables.
        reference: as for an audit; equal shares without one.
        smallest_effect: change of the distance that matters, 0..1; "no change" is said where
            the whole interval lies within it on both sides.
        smallest_cell: fewer pairs are not judged.

    Raises:
        InputRefused: a table is unusable, or nothing can be paired.
    """
    first = _answers(before, labels_before, "before")
    second = _answers(after, labels_after, "after")
    references = read_references(reference) if reference else References()
    one, two = first.answers, second.answers
    attributes = [a for a in one.columns if a in two.columns]
    joined = one.add_suffix(" before").join(two.add_suffix(" after"), how="inner")
    if joined.empty or not attributes:
        raise InputRefused(
            "no prompt and seed with a common attribute in both manifests",
            advice="generate both sets from the same prompts and seeds",
        )
    findings = [*first.findings, *second.findings, *references.findings]
    if lonely := sorted(set(one.columns) ^ set(two.columns)):
        findings.append(
            _not_compared("attributes-on-one-side", "labelled on one side only", lonely)
        )
    found, untested = _measure(attributes, joined, one, references, simulations, seed)
    if untested:
        why = "without a reference that applies, or without a pair of answers"
        findings.append(_not_compared("no-comparison", why, untested))
    inputs = [*first.inputs, *second.inputs]
    return Comparison(
        inputs=(*inputs, references.source) if references.source else tuple(inputs),
        pictures_before=len(one),
        pictures_after=len(two),
        unpaired_before=len(one) - len(joined),
        unpaired_after=len(two) - len(joined),
        smallest_effect=smallest_effect,
        smallest_cell=smallest_cell,
        alpha=alpha,
        simulations=simulations,
        seed=seed,
        changes=_decide(found, alpha, smallest_effect, smallest_cell),
        findings=tuple(findings),
    )


def _measure(
    attributes: list[str],
    joined: pd.DataFrame,
    before: pd.DataFrame,
    references: References,
    simulations: int,
    seed: int,
) -> tuple[list[_Paired], list[str]]:
    """The change of each attribute, and the attributes that cannot be compared."""
    found: list[_Paired] = []
    untested: list[str] = []
    for attribute in attributes:
        target = references.find(attribute, None, before[attribute])
        pair = joined[[f"{attribute} before", f"{attribute} after"]]
        answered = pair[pair.isin(list(target.shares) if target else []).all(axis=1)]
        if target is None or answered.empty:
            untested.append(attribute)
            continue
        values = list(target.shares)
        change = distance_change(
            _one_hot(answered.iloc[:, 0], values),
            _one_hot(answered.iloc[:, 1], values),
            np.array(list(target.shares.values())),
            simulations=simulations,
            seed=seed,
        )
        differ = answered.iloc[:, 0].to_numpy() != answered.iloc[:, 1].to_numpy()
        unanswered = len(pair) - len(answered)
        found.append(_Paired(attribute, len(answered), unanswered, int(differ.sum()), change))
    return found, untested


def _decide(
    found: list[_Paired], alpha: float, margin: float, smallest_cell: int
) -> tuple[Change, ...]:
    adjusted = holm([item.change.p_value for item in found]) if found else []
    changes = []
    for item, p in zip(found, adjusted, strict=True):
        direction, summary = _judge(item, p, alpha, margin, smallest_cell)
        changes.append(
            Change(
                attribute=item.attribute,
                pairs=item.pairs,
                unanswered=item.unanswered,
                changed=item.changed,
                before=item.change.before,
                after=item.change.after,
                change=item.change.change,
                interval=item.change.interval,
                p_value=item.change.p_value,
                p_adjusted=p,
                largest=item.largest,
                direction=direction,
                summary=f"{item.attribute[:1].upper()}{item.attribute[1:]}: {summary}.",
            )
        )
    return tuple(changes)


def _judge(
    item: _Paired, p: float, alpha: float, margin: float, smallest_cell: int
) -> tuple[Direction, str]:
    """Closer or further by the test; "no change" by equivalence, as Schuirmann (1987) has it."""
    if item.pairs < smallest_cell:
        return "cannot-tell", f"cannot tell from {item.pairs} pairs, fewer than {smallest_cell}"
    if p <= alpha:
        direction: Direction = "closer" if item.change.change < 0 else "further"
        size = f"{100 * abs(item.change.change):.1f}\u202f%"
        return direction, f"{direction.replace('further', 'further away')} by {size}"
    largest, matters = f"{100 * item.largest:.1f}\u202f%", f"{100 * margin:.1f}\u202f%"
    if item.largest < margin:
        return "no-change", f"no change of {matters} or more; {largest} at most"
    return "cannot-tell", (
        f"cannot tell, because the distance may have changed by up to {largest}, "
        f"while {matters} matters"
    )


def _answers(manifest_path: str | Path, labels_path: str | Path, side: str) -> _Side:
    """Consensus answers by prompt and seed; the first of pictures that share both."""
    manifest = read_manifest(manifest_path)
    table = read_labels(labels_path)
    labels = assemble(table.rows, manifest, (table.source,), list(table.findings))
    consensus = labels.consensus
    keyed = consensus.set_index([manifest.rows["prompt"], manifest.rows["seed"]])
    repeated = keyed.index.duplicated()
    findings = [*manifest.findings, *labels.findings]
    if repeated.any():
        findings.append(
            Finding(
                code="repeated-pairs",
                summary="Pictures that share both prompt and seed with an earlier one were left "
                "out of the comparison.",
                count=int(repeated.sum()),
                excluded=int(repeated.sum()),
            )
        )
    named = [
        f.model_copy(update={"summary": f"{side.capitalize()}: {f.summary}"}) for f in findings
    ]
    inputs = [
        source.model_copy(update={"role": f"{source.role} {side}"})
        for source in (manifest.source, table.source)
    ]
    return _Side(keyed[~repeated], tuple(inputs), named)


def _not_compared(code: str, why: str, attributes: list[str]) -> Finding:
    return Finding(
        code=code,
        summary=f"Attributes {why} were not compared.",
        count=len(attributes),
        examples=tuple(attributes[:5]),
    )


def _one_hot(answers: pd.Series[str], values: list[str]) -> np.ndarray:
    return np.stack([answers.to_numpy() == v for v in values], axis=1).astype(np.float64)

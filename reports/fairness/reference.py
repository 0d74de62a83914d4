"""Reference distributions: what an attribute is compared with, from where, of which date."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import InputRefused
from assay.reports.fairness.results import Reference
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding, InputFile
from assay.reports.tables import read_table

if TYPE_CHECKING:
    import pandas as pd

_SUM_TOLERANCE = 0.005  # published tables round shares to two or three digits
UNIFORM = "equal shares of all values known or seen (no reference was given)"


@dataclass(frozen=True)
class References:
    """References by attribute and prompt; those without a prompt apply to every prompt.

    Attributes:
        known: all values of an attribute, so that equal shares include the never seen.
    """

    entries: dict[tuple[str, str | None], Reference] = field(default_factory=dict)
    source: InputFile | None = None
    known: dict[str, tuple[str, ...]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def find(self, attribute: str, prompt: str | None, values: pd.Series[str]) -> Reference | None:
        """The reference for a claim; equal shares when the attribute has none at all.

        Returns:
            None when the attribute has references for other prompts but not for this one,
            or when fewer than two values exist to share equally.
        """
        specific = self.entries.get((attribute, prompt))
        general = self.entries.get((attribute, None))
        if specific or general:
            return specific or general
        if any(name == attribute for name, _ in self.entries):
            return None
        seen = sorted(set(values) - set(UNANSWERED) | set(self.known.get(attribute, ())))
        if len(seen) < 2:
            return None
        return Reference(
            attribute=attribute,
            stratum=None,
            shares={value: 1 / len(seen) for value in seen},
            source=UNIFORM,
            date="",
        )


def read_references(path: str | Path) -> References:
    """Read columns `attribute,value,share` and optionally `prompt,source,date`.

    Shares are fractions of 1 for each attribute and prompt.

    Raises:
        InputRefused: a share is not a number in 0..1, or shares do not sum to 1.
    """
    table = read_table(path, role="reference", required=("attribute", "value", "share"))
    rows = table.rows
    for column in ("prompt", "source", "date"):
        if column not in rows.columns:
            rows[column] = ""
    findings = list(table.findings)
    entries: dict[tuple[str, str | None], Reference] = {}
    for (attribute, prompt), group in rows.groupby(["attribute", "prompt"], sort=True):
        stratum = None if prompt in ("", "*") else str(prompt)
        reference = _reference(path, str(attribute), stratum, group)
        entries[str(attribute), stratum] = reference
        findings += _zero_shares(reference)
        if not reference.date:
            findings.append(
                Finding(
                    code="undated-reference",
                    summary=f"The reference for {attribute} states no date.",
                    count=len(group),
                )
            )
    return References(entries, table.source, findings=findings)


def _reference(
    path: str | Path, attribute: str, stratum: str | None, group: pd.DataFrame
) -> Reference:
    label = f"{path}: {attribute}" + (f" ({stratum})" if stratum else "")
    repeated = group["value"].duplicated()
    if repeated.any():
        raise InputRefused(f"{label}: value {group.loc[repeated, 'value'].iloc[0]} is listed twice")
    shares: dict[str, float] = {}
    for value, text in zip(group["value"], group["share"], strict=True):
        try:
            share = float(text)
        except ValueError:
            share = -1.0
        if not 0 <= share <= 1:
            raise InputRefused(
                f"{label}: share of {value} is {text!r}",
                advice="shares are fractions of 1, such as 0.31",
            )
        shares[str(value)] = share
    total = sum(shares.values())
    if abs(total - 1) > _SUM_TOLERANCE or len(shares) < 2:
        raise InputRefused(
            f"{label}: {len(shares)} shares that sum to {total:.3f}",
            advice="list at least two values whose shares sum to 1",
        )
    return Reference(
        attribute=attribute,
        stratum=stratum,
        shares={value: share / total for value, share in shares.items()},
        source=next((s for s in group["source"] if s), "not stated"),
        date=next((d for d in group["date"] if d), ""),
    )


def _zero_shares(reference: Reference) -> list[Finding]:
    zero = tuple(value for value, share in reference.shares.items() if share == 0)
    if not zero:
        return []
    return [
        Finding(
            code="zero-reference-share",
            summary=f"The reference gives {', '.join(zero)} of {reference.attribute} no share: "
            "every such picture counts as disparity.",
            count=len(zero),
            examples=zero,
        )
    ]

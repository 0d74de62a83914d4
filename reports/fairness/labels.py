"""Labels: what raters perceived, and how several raters become one answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import InputRefused
from assay.reports.fairness.manifest import Manifest
from assay.reports.fairness.vocabulary import UNANSWERED
from assay.reports.inputs import Finding, InputFile
from assay.reports.tables import Table, examples, read_table

if TYPE_CHECKING:
    import pandas as pd

PROGRAM = "program: "
"""How the name of a rater that is a program begins."""

_SPELLINGS = {"": "unclear", "unknown": "unclear", "uncertain": "unclear", "n/a": "unclear"}
_SPELLINGS |= {"no face": "no-face", "no_face": "no-face", "noface": "no-face"}


@dataclass(frozen=True)
class Labels:
    """Raters' answers.

    Attributes:
        rows: columns `path`, `attribute`, `value`, `rater`; one row an answer.
        consensus: one column an attribute, one row a picture of the manifest; every cell is
            a value or one of `UNANSWERED`.
        gold: the same from the gold rater alone, who then has no vote in the consensus.
    """

    rows: pd.DataFrame
    consensus: pd.DataFrame
    gold: pd.DataFrame | None
    sources: tuple[InputFile, ...]
    findings: list[Finding]

    @property
    def attributes(self) -> list[str]:
        return list(self.consensus.columns)

    @property
    def raters(self) -> tuple[str, ...]:
        return tuple(sorted(str(r) for r in self.rows["rater"].unique()))


def read_labels(path: str | Path) -> Table:
    """Read a long label table with columns `path,attribute,value,rater`.

    Raises:
        InputRefused: unreadable, or a column is missing.
    """
    table = read_table(path, role="labels", required=("path", "attribute", "value"))
    if "rater" not in table.rows.columns:
        table.rows["rater"] = "rater-1"
    return table


def assemble(
    rows: pd.DataFrame,
    manifest: Manifest,
    sources: tuple[InputFile, ...],
    findings: list[Finding],
    *,
    gold: str | None = None,
) -> Labels:
    """Clean answers and settle one value per picture and attribute.

    The value most raters gave wins. A tie becomes "disagreement", and a picture nobody
    labelled "missing": both are counted in every claim. Where people labelled a picture,
    programs have no vote.

    Raises:
        InputRefused: no label belongs to a picture of the manifest, or the gold rater has none.
    """
    rows = rows[["path", "attribute", "value", "rater"]].copy()
    lowered = rows["value"].str.lower()
    spelled = lowered.map(_SPELLINGS)
    rows["value"] = spelled.where(spelled.notna(), rows["value"])
    canonical = lowered.isin(UNANSWERED)
    rows.loc[canonical, "value"] = lowered[canonical]
    rows.loc[rows["rater"] == "", "rater"] = "rater-1"
    rows, foreign = _drop_foreign(rows, manifest)
    findings += foreign
    rows, contradictions = _settle_contradictions(rows)
    findings += contradictions
    if rows.empty:
        raise InputRefused(
            "no label belongs to a picture of the manifest",
            advice="the paths of both tables must be spelled alike",
        )
    truth = None
    votes = rows
    if gold is not None:
        votes, given = rows[rows["rater"] != gold], rows[rows["rater"] == gold]
        if given.empty or votes.empty:
            raise InputRefused(
                f"rater {gold!r} cannot be the gold rater: it needs labels and "
                "another rater to be compared with"
            )
        truth = _consensus(given, manifest)
    votes, overruled = _people_first(votes)
    findings += overruled
    consensus = _consensus(votes, manifest)
    findings += _describe(votes, consensus)
    return Labels(rows, consensus, truth, sources, findings)


def is_program(raters: pd.Series[str]) -> pd.Series[bool]:
    """Raters that are annotators and not people."""
    return raters.str.startswith(PROGRAM)


def _people_first(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    program = is_program(rows["rater"])
    key = ["path", "attribute"]
    by_people = rows.loc[~program, key].drop_duplicates().assign(people=True)
    labelled = rows.merge(by_people, on=key, how="left")["people"].notna().to_numpy()
    overruled = program.to_numpy() & labelled
    if not overruled.any():
        return rows, []
    finding = Finding(
        code="people-first",
        summary="Labels of programs for pictures that people labelled too have no vote; they "
        "count for agreement only.",
        count=int(overruled.sum()),
    )
    return rows[~overruled], [finding]


def _drop_foreign(rows: pd.DataFrame, manifest: Manifest) -> tuple[pd.DataFrame, list[Finding]]:
    rows = rows[~rows["path"].isin(manifest.left_out)]  # counted with their pictures
    foreign = ~rows["path"].isin(manifest.rows.index) | (rows["attribute"] == "")
    if not foreign.any():
        return rows, []
    finding = Finding(
        code="labels-without-picture",
        summary="Labels for pictures that the manifest does not list, or without an attribute, "
        "were left out.",
        count=int(foreign.sum()),
        excluded=int(foreign.sum()),
        examples=examples(rows.loc[foreign, "path"]),
    )
    return rows[~foreign], [finding]


def _settle_contradictions(rows: pd.DataFrame) -> tuple[pd.DataFrame, list[Finding]]:
    """One row per picture, attribute and rater."""
    key = ["path", "attribute", "rater"]
    rows = rows.drop_duplicates()
    contradicted = rows.duplicated(key, keep=False)
    if not contradicted.any():
        return rows, []
    settled = rows.drop_duplicates(key).copy()
    bad = rows.loc[contradicted].drop_duplicates(key)
    settled.loc[settled.index.isin(bad.index), "value"] = "disagreement"
    finding = Finding(
        code="self-contradictions",
        summary="A rater gave one picture two different values for one attribute; that answer "
        "counts as disagreement.",
        count=len(bad),
        examples=examples(bad["path"]),
    )
    return settled, [finding]


def _consensus(rows: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    import pandas as pd

    votes = rows.groupby(["attribute", "path", "value"], sort=True).size().rename("votes")
    table = votes.reset_index()
    most = table.groupby(["attribute", "path"])["votes"].transform("max")
    leading = table[table["votes"] == most]
    tied = leading.duplicated(["attribute", "path"], keep=False)
    winner = leading.copy()
    winner.loc[tied, "value"] = "disagreement"
    winner = winner.drop_duplicates(["attribute", "path"])
    columns = {
        attribute: group.set_index("path")["value"].reindex(manifest.rows.index)
        for attribute, group in winner.groupby("attribute", sort=True)
    }
    return pd.DataFrame(columns, index=manifest.rows.index).astype(object).fillna("missing")


def _describe(rows: pd.DataFrame, consensus: pd.DataFrame) -> list[Finding]:
    findings = []
    for attribute in consensus.columns:
        values = consensus[attribute]
        for code, reason in (
            ("disagreement", "raters tied, so no value was settled"),
            ("missing", "no rater gave a label"),
        ):
            concerned = values.index[values == code]
            if len(concerned):
                findings.append(
                    Finding(
                        code=f"{code}-labels",
                        summary=f"{attribute}: {reason}; these pictures are shown as {code}.",
                        count=len(concerned),
                        examples=tuple(concerned[:5]),
                    )
                )
        raters = rows.loc[rows["attribute"] == attribute, "rater"].nunique()
        if raters < 2:
            findings.append(
                Finding(
                    code="one-rater",
                    summary=f"{attribute}: one rater only, so agreement cannot be measured.",
                    count=len(values),
                )
            )
    return findings

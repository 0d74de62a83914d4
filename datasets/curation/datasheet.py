"""A datasheet: what a data set holds, counted, and what only its makers can say, asked.

Gebru et al., "Datasheets for Datasets", Communications of the ACM 64 (12), 2021. The sections
and questions are theirs, shortened.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.datasets.curation.folders import Folder, Item, Refused
from assay.datasets.manifests import read_table
from assay.errors import InputRefused, UnreadableFile

QUESTIONS: Mapping[str, tuple[str, ...]] = {
    "Motivation": (
        "For what purpose was the data set created? What gap should it fill?",
        "Who created it, and on behalf of whom?",
        "Who paid for its creation?",
    ),
    "Composition": (
        "What do the instances represent?",
        "Is it a sample of a larger set? How was the sample drawn?",
        "Which recommended splits are there, and why?",
        "Which errors, noise or redundancies are known, beyond those counted here?",
        "Does it depend on external resources, and will those stay available?",
        "Does it hold confidential data, or anything offensive, threatening or frightening?",
        "Does it show people? Which groups, and how are they identified?",
        "Can people be identified from it? Does it hold sensitive data about them?",
    ),
    "Collection process": (
        "How was each instance obtained: observed, reported, derived?",
        "Which devices, software or procedures were used, and how were they validated?",
        "Who collected it, and how were they paid?",
        "Over what time was it collected?",
        "Was there an ethical review?",
        "Were the people shown told, did they consent, and can they revoke it?",
        "Was the effect on them analysed?",
    ),
    "Preprocessing, cleaning, labelling": (
        "What was done to the raw data?",
        "Was the raw data kept, and where?",
        "Is the software that was used available?",
    ),
    "Uses": (
        "What has it been used for?",
        "Where are papers or systems that use it listed?",
        "What else could it be used for?",
        "Does anything about its making limit future uses?",
        "What should it not be used for?",
    ),
    "Distribution": (
        "Will it be given to others? How, and when?",
        "Under which licence or terms? Do third parties hold rights in the instances?",
        "Do export controls or other regulations apply?",
    ),
    "Maintenance": (
        "Who maintains it, and how can they be reached?",
        "Is there an erratum?",
        "Will it be updated, by whom, how often, and how are users told?",
        "For how long may data about people be kept, and how is that enforced?",
        "Will older versions stay available?",
        "How can others contribute?",
    ),
}
COUNTED_COLUMNS = ("label", "generator", "source", "source_repo", "licence", "license")
UNANSWERED = "*Not answered.*"


@dataclass(frozen=True)
class Contents:
    """What was counted in a folder."""

    folder: Folder
    items: tuple[Item, ...]
    refused: tuple[Refused, ...]

    @classmethod
    def of(cls, folder: Folder, names: Iterable[str]) -> Contents:
        """Open every file; its pixels are not decoded."""
        items: list[Item] = []
        failed: list[Refused] = []
        for name in names:
            try:
                items.append(Item.of(name, folder.open(name)))
            except InputRefused as error:
                failed.append(Refused.because(name, error))
        return cls(folder, tuple(items), tuple(failed))


def count_columns(manifest: str | Path) -> dict[str, Counter[str]]:
    """Files by value, for those of `COUNTED_COLUMNS` that a manifest CSV has.

    Raises:
        InputRefused: the manifest has no column `path`, or is not CSV text.
    """
    records = read_table(manifest, ["path"])
    return {
        column: Counter(record[column] for record in records)
        for column in COUNTED_COLUMNS
        if records and column in records[0]
    }


def read_report(path: str | Path) -> dict[str, Any]:
    """The report of a run.

    Raises:
        InputRefused: it is none.
    """
    try:
        report = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise InputRefused(f"{path}: not JSON ({error})") from error
    if not isinstance(report, dict) or not {"schema", "created", "counts"} <= report.keys():
        raise InputRefused(f"{path}: not the report of a screening or deduplication")
    return report


def datasheet(
    contents: Contents,
    *,
    title: str,
    columns: Mapping[str, Mapping[str, int]] | None = None,
    runs: Iterable[Mapping[str, Any]] = (),
) -> str:
    """A datasheet in Markdown.

    Args:
        columns: counts of values by column of a manifest, such as licence or source.
        runs: reports of earlier runs on this folder (`report.json`).
    """
    facts = {
        "Composition": [*_composition(contents), *_columns(columns or {})],
        "Preprocessing, cleaning, labelling": [_run(run) for run in runs],
    }
    lines = [f"# Datasheet: {_cell(title)}", ""]
    for section, questions in QUESTIONS.items():
        lines += [f"## {section}", ""]
        for fact in facts.get(section, []):
            lines += [fact, ""]
        for question in questions:
            lines += [f"**{question}**", "", UNANSWERED, ""]
    return "\n".join(lines)


def _composition(contents: Contents) -> list[str]:
    items = contents.items
    copies = len(items) - len({item.sha256 for item in items})
    moving = [item for item in items if item.moving]
    rows = {
        "files examined": f"{len(items):,}",
        "refused (damaged, over a limit, unknown)": f"{len(contents.refused):,}",
        "other files, not looked at": f"{contents.folder.others:,}",
        "bytes": f"{sum(item.size for item in items):,}",
        "byte-for-byte copies of another file": f"{copies:,}",
        "animations and videos": f"{len(moving):,}",
    }
    if moving:
        rows["their frames"] = f"{sum(item.frames for item in moving):,}"
    if items:
        for name, values in (
            ("width, pixels: least, median, most", [item.width for item in items]),
            ("height, pixels: least, median, most", [item.height for item in items]),
        ):
            low, middle, high = np.percentile(values, [0, 50, 100])
            rows[name] = f"{low:,.0f}, {middle:,.0f}, {high:,.0f}"
    types = Counter(item.media_type for item in items)
    reasons = Counter(file.code for file in contents.refused)
    tables = [_table("Counted", "files", rows), _counts("media type", types)]
    return tables + ([_counts("refused because", reasons)] if reasons else [])


def _columns(columns: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [_counts(name, Counter(dict(values))) for name, values in columns.items()]


def _run(report: Mapping[str, Any]) -> str:
    rows = {
        name: f"{value:,}" if isinstance(value, int) else str(value)
        for name, value in {**report["counts"], **report["counts"].get("reasons", {})}.items()
        if not isinstance(value, dict) and value is not None
    }
    return _table(f"{report['schema']}, {report['created']}", "count", rows)


def _counts(name: str, values: Counter[str]) -> str:
    rows = {value or "none stated": f"{count:,}" for value, count in values.most_common()}
    return _table(name, "files", rows)


def _table(first: str, second: str, rows: Mapping[str, str]) -> str:
    lines = [f"| {_cell(first)} | {second} |", "|---|---|"]
    return "\n".join(
        lines + [f"| {_cell(name)} | {_cell(value)} |" for name, value in rows.items()]
    )


def _cell(text: str) -> str:
    """Text that stays inside its table cell and starts no markup."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    for mark in "\\|<[`*_":
        shown = shown.replace(mark, f"\\{mark}")
    return shown

"""What a scan found: counts as JSON, and a page with examples."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from assay.files import write_atomically
from assay.reports.rendering.page import render
from assay.reports.scanning import tables
from assay.reports.scanning.plan import Plan

EXAMPLES = 12


class ScanSummary(BaseModel):
    """Counts over a finished scan. It has no times in it: a repeated scan says the same."""

    model_config = ConfigDict(frozen=True)

    schema_: str = Field(default="assay.scan/1", alias="schema")
    version: str
    source: str
    task: str
    files: int
    distinct: int = Field(description="Different contents, each answered once.")
    bytes_distinct: int
    answers: dict[str, int]
    refused: dict[str, int] = Field(description="Files without an answer, by the reason.")
    examples: dict[str, tuple[str, ...]] = Field(description="The first files of each answer.")


def summarise(out: Path, plan: Plan) -> ScanSummary:
    """Count a finished scan; write `summary.json` and `report.html`."""
    answers: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    examples: dict[str, list[str]] = {}
    distinct = size = 0
    for shard in range(plan.shards):
        columns = ["uri", "size", "answer", "error"]
        for row in tables.read(tables.part(out / "results", shard), columns):
            distinct += 1
            size += row["size"] or 0
            counted = row["error"] or _label(plan.task, row["answer"])
            (refused if row["error"] else answers)[counted] += 1
            shown = examples.setdefault(counted, [])
            if len(shown) < EXAMPLES:
                shown.append(row["uri"])
    summary = ScanSummary(
        version=plan.version,
        source=plan.source,
        task=plan.task,
        files=plan.files,
        distinct=distinct,
        bytes_distinct=size,
        answers=dict(answers.most_common()),
        refused=dict(refused.most_common()),
        examples={name: tuple(found) for name, found in sorted(examples.items())},
    )
    document = summary.model_dump_json(indent=2, by_alias=True)
    write_atomically(out / "summary.json", document + "\n")
    write_atomically(out / "report.html", render("scan.html", scan=summary, title="Scan"))
    return summary


def _label(task: str, answer: str) -> str:
    """Fingerprints differ for every file, and are counted as one answer."""
    return "fingerprinted" if task == "fingerprint" else answer

"""What becomes of each file, and how that is written down."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from assay.datasets.curation.folders import Refused
from assay.datasets.curation.likeness import Pair
from assay.files import atomic_path, write_atomically

Verdict = Literal["keep", "drop", "look"]
VERDICTS: tuple[Verdict, ...] = ("keep", "drop", "look")


@dataclass(frozen=True)
class FileVerdict:
    """What to do with one file.

    Attributes:
        verdict: "keep", "drop", or "look": a person should decide.
        reason: stable kebab-case code, empty where there is nothing to say.
        of: the file or work that it copies, if that is why.
        why: one sentence.
    """

    file: str
    verdict: Verdict
    reason: str = ""
    of: str = ""
    why: str = ""


def refused(files: Iterable[Refused]) -> list[FileVerdict]:
    """Files that could not be examined are not kept."""
    return [FileVerdict(file.name, "drop", file.code, why=file.reason) for file in files]


def counts(verdicts: Iterable[FileVerdict]) -> dict[str, Any]:
    """How many files of each verdict, and of each reason."""
    found = list(verdicts)
    by_verdict = Counter(item.verdict for item in found)
    reasons = Counter(item.reason for item in found if item.reason)
    return {
        "files": len(found),
        **{name: by_verdict[name] for name in VERDICTS},
        "reasons": dict(sorted(reasons.items())),
    }


def write_verdicts(verdicts: Sequence[FileVerdict], folder: Path) -> None:
    """`files.csv`, and for each verdict one list of names: `keep.txt`, `drop.txt`, `look.txt`.

    Raises:
        OutputRefused: the folder cannot be written.
    """
    ordered = sorted(verdicts, key=lambda item: item.file)
    _write_table(folder / "files.csv", FileVerdict, ordered)
    for verdict in VERDICTS:
        names = "".join(f"{item.file}\n" for item in ordered if item.verdict == verdict)
        with atomic_path(folder / f"{verdict}.txt") as path:
            # A name that is not UTF-8 keeps its bytes.
            path.write_bytes(names.encode("utf-8", "surrogateescape"))


def write_pairs(pairs: Sequence[Pair], folder: Path) -> None:
    """`pairs.csv`, strongest first.

    Raises:
        OutputRefused: as `write_verdicts`.
    """
    _write_table(folder / "pairs.csv", Pair, sorted(pairs, key=lambda pair: pair.rank))


def write_report(report: dict[str, Any], folder: Path) -> Path:
    """`report.json`.

    Raises:
        OutputRefused: as `write_verdicts`.
    """
    return write_atomically(folder / "report.json", json.dumps(report, indent=1) + "\n")


def _write_table(path: Path, kind: type[Any], rows: Sequence[Any]) -> None:
    names = [field.name for field in fields(kind)]
    with (
        atomic_path(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="surrogateescape") as handle,
    ):
        writer = csv.DictWriter(handle, names)
        writer.writeheader()
        writer.writerows(
            {name: _cell(value) for name, value in asdict(row).items()} for row in rows
        )


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return " ".join(f"{part:g}" for part in value)
    return str(value).lower() if isinstance(value, bool) else value

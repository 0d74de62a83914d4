"""Reading tables people made: unknown encodings, stray blanks, missing columns."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import InputRefused, UnreadableFile
from assay.reports.inputs import Finding, InputFile
from assay.table_text import decode, separator

if TYPE_CHECKING:
    import pandas as pd

EXAMPLES = 5


@dataclass(frozen=True)
class Table:
    """A table of strings; blanks are stripped, absent cells are empty strings."""

    rows: pd.DataFrame
    source: InputFile
    findings: list[Finding]


def read_table(path: str | Path, *, role: str, required: tuple[str, ...]) -> Table:
    """Read a CSV, or JSONL when the name ends in .jsonl; UTF-8 or UTF-16 by its mark.

    Args:
        role: what the table is for, used in messages.
        required: columns that must be there.

    Raises:
        InputRefused: unreadable, no rows, or a required column is missing.
    """
    import pandas as pd

    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path}: {error.strerror or error}") from error
    text, findings = _decode(data, role)
    if "\0" in text:
        raise InputRefused(
            f"{path}: the {role} table is no text", advice="save it as CSV, in UTF-8"
        )
    try:
        if path.suffix.lower() == ".jsonl":
            rows = pd.DataFrame([json.loads(line) for line in text.splitlines() if line.strip()])
            rows = rows.astype(object).where(rows.notna(), "").astype(str)
        else:
            rows = pd.read_csv(
                io.StringIO(text),
                sep=separator(text),
                dtype=str,
                keep_default_na=False,
                skipinitialspace=True,
            )
    except (ValueError, pd.errors.ParserError) as error:
        raise InputRefused(f"{path}: not a readable {role} table: {error}") from error
    rows.columns = [str(c).strip().lower() for c in rows.columns]
    if repeated := sorted(set(rows.columns[rows.columns.duplicated()])):
        raise InputRefused(f"{path}: {role} table with two columns {', '.join(repeated)}")
    missing = [c for c in required if c not in rows.columns]
    if missing:
        raise InputRefused(
            f"{path}: {role} table without column {', '.join(missing)}",
            advice=f"needed: {', '.join(required)}; found: {', '.join(rows.columns) or 'none'}",
        )
    if rows.empty:
        raise InputRefused(f"{path}: {role} table without rows")
    for column in rows.columns:
        rows[column] = rows[column].fillna("").str.strip()
    source = InputFile(
        role=role, name=path.name, sha256=hashlib.sha256(data).hexdigest(), rows=len(rows)
    )
    return Table(rows, source, findings)


def examples(values: pd.Series[str]) -> tuple[str, ...]:
    """The first few distinct values, for a finding."""
    return tuple(str(v) for v in values.drop_duplicates().head(EXAMPLES))


def _decode(data: bytes, role: str) -> tuple[str, list[Finding]]:
    try:
        return decode(data), []
    except UnicodeDecodeError:
        bad = sum(1 for line in data.splitlines() if not _is_utf8(line))
        finding = Finding(
            code="mixed-encoding",
            summary=f"The {role} table is not UTF-8 throughout; the other lines were read as "
            "Windows-1252, so accented letters may be wrong.",
            count=bad,
        )
        lines = [
            line.decode("utf-8") if _is_utf8(line) else line.decode("cp1252", errors="replace")
            for line in data.split(b"\n")
        ]
        return "\n".join(lines).lstrip("\ufeff"), [finding]


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

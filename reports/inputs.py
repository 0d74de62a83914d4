"""What a report was made from, and what was odd about it."""

from __future__ import annotations

from pydantic import Field

from assay.reports.frozen import Frozen


class Finding(Frozen):
    """Something about the input that a reader of the results must know."""

    code: str = Field(description="Stable kebab-case code.")
    summary: str
    count: int = Field(ge=0, description="Rows or pictures concerned.")
    excluded: int = Field(default=0, ge=0, description="How many of them the results leave out.")
    examples: tuple[str, ...] = ()


class InputFile(Frozen):
    """One file the audit read."""

    role: str
    name: str
    sha256: str
    rows: int

"""What a caller may choose. Paths and commands of the server are not among it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

# Tables that may lie in the archive, by the option of `assay audit` that reads them.
TABLES = {
    "labels": "labels.csv",
    "reference": "reference.csv",
    "boxes": "boxes.csv",
    "declared": "declared.csv",
    "earlier": "earlier.json",
}
MANIFESTS = ("manifest.csv", "manifest.jsonl")
SENT = "sent-beside"  # folder of tables that came beside the archive; they win

_Line = Field(default=None, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$")


class Options(BaseModel):
    """Choices for one audit; see `assay audit run --help`."""

    model_config = ConfigDict(extra="forbid")

    title: str | None = _Line
    system: str | None = _Line
    system_version: str | None = _Line
    auditor: str | None = _Line
    independence: str | None = _Line
    gold: str | None = _Line
    smallest_effect: float = Field(default=0.2, gt=0, le=1)
    smallest_cell: int = Field(default=30, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0, lt=2**32)
    annotator: tuple[str, ...] = Field(default=(), max_length=10)
    outcome: tuple[str, ...] = Field(default=(), max_length=20)
    quality: tuple[str, ...] = Field(default=(), max_length=20)
    instruments: bool = False
    origins: bool = False
    pdf: bool = True

    def arguments(self) -> Iterator[str]:
        """As `assay audit run` takes them; a value can never be read as an option."""
        for name, value in self.model_dump(exclude_none=True).items():
            option = f"--{name.replace('_', '-')}"
            if name == "pdf":
                yield "--pdf" if value else "--no-pdf"
            elif isinstance(value, bool):
                if value:
                    yield option
            elif isinstance(value, list | tuple):
                yield from (f"{option}={part}" for part in value)
            else:
                yield f"{option}={value}"


def tables_of(folder: Path, sent: Path) -> Iterator[str]:
    """The options for the tables that are there."""
    for option, name in TABLES.items():
        for place in (sent, folder):
            if (place / name).is_file():
                yield f"--{option}={place / name}"
                break

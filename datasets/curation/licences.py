"""Which licences a training set may have."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from assay.datasets.manifests import read_table

NONE_STATED = "none stated"


@dataclass(frozen=True)
class LicenceFilter:
    """The allowed SPDX licences, and what a manifest states for each file.

    Attributes:
        allowed: SPDX ids, in lower case (SPDX compares without case).
        stated: licence by file name.
    """

    allowed: frozenset[str]
    stated: dict[str, str]

    @classmethod
    def read(cls, manifest: str | Path, folder: Path, allowed: Iterable[str]) -> LicenceFilter:
        """Read the columns `path` and `licence` (or `license`) of a manifest CSV.

        Args:
            folder: names become relative to it; the manifest's paths are relative to the
                manifest.

        Raises:
            InputRefused: a column is missing or the file is not CSV text.
        """
        stated = {}
        root = folder.resolve()
        for row in read_table(manifest, ["path"], ["licence", "license"]):
            path = (Path(manifest).parent / row["path"].strip()).resolve()
            if path.is_relative_to(root):
                licence = row.get("licence") or row.get("license") or ""
                stated[path.relative_to(root).as_posix()] = licence.strip()
        return cls(frozenset(licence.lower() for licence in allowed), stated)

    def of(self, name: str) -> str:
        """The licence stated for a file."""
        return self.stated.get(name) or NONE_STATED

    def allows(self, licence: str) -> bool:
        """Whether a stated licence is allowed.

        `A OR B` is when one of both is, `A AND B` when both are. Any other expression has to be
        on the list as it is written.
        """
        text = licence.strip().lower()
        if text in self.allowed:
            return True
        choices = re.split(r"\s+or\s+", text)
        if len(choices) > 1 and "(" not in text and " and " not in text:
            return any(choice in self.allowed for choice in choices)
        parts = re.split(r"\s+and\s+", text)
        return len(parts) > 1 and "(" not in text and all(part in self.allowed for part in parts)

"""Verdicts that change: the same files, read again after an upgrade or a new trust list.

A baseline remembers what was read, by which validator, with the raw codes. New versions of
a validator have called old files invalid before; this shows which files and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import ConfigurationError
from assay.files import write_atomically
from assay.provenance.credentials import Credentials
from assay.provenance.reading import read

SCHEMA = "assay.drift/1"


@dataclass(frozen=True)
class Change:
    """One file whose reading is not what it was.

    Attributes:
        file: its name in the baseline.
        before, after: what was and is read: state, codes, trust list, validator.
        why: "validator" when its version changed, else "trust" when only trust did, else
            "content".
    """

    file: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def why(self) -> str:
        if self.before["validator"] != self.after["validator"]:
            return "validator"
        trust = ("trust_list", "state", "codes")
        rest = {k: v for k, v in self.before.items() if k not in trust}
        same = rest == {k: v for k, v in self.after.items() if k not in trust}
        integrity = {self.before["state"], self.after["state"]}
        return "trust" if same and integrity <= {"valid", "trusted"} else "content"


def snapshot(credentials: Credentials) -> dict[str, Any]:
    """What a baseline remembers of one reading."""
    return {
        "state": credentials.state,
        "manifest_label": credentials.manifest_label,
        "codes": sorted({problem.code for problem in credentials.problems}),
        "ingredient_codes": sorted(
            {problem.code for part in credentials.broken_ingredients for problem in part.problems}
        ),
        "trust_list": credentials.trust_list,
        "validator": credentials.validator,
    }


def record(files: Iterable[Path]) -> dict[str, Any]:
    """A baseline of these files as they read now."""
    return {
        "schema": SCHEMA,
        "files": {str(path): snapshot(read(path)) for path in files},
    }


def save(baseline: dict[str, Any], path: Path) -> None:
    """Write a baseline."""
    write_atomically(path, json.dumps(baseline, indent=1, sort_keys=True) + "\n")


def load(path: Path) -> dict[str, Any]:
    """Read a baseline.

    Raises:
        ConfigurationError: the file is none.
    """
    try:
        baseline = json.loads(path.read_text())
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path}: not a baseline") from error
    if not isinstance(baseline, dict) or baseline.get("schema") != SCHEMA:
        raise ConfigurationError(f"{path}: not a baseline of {SCHEMA}")
    return baseline


def compare(baseline: dict[str, Any]) -> list[Change]:
    """Read every file of a baseline again; what changed, in its order."""
    changes = []
    for name, before in baseline["files"].items():
        after = snapshot(read(Path(name)))
        unversioned = {**after, "validator": before["validator"]}
        if unversioned != before:
            changes.append(Change(name, before, after))
    return changes

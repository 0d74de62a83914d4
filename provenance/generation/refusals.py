"""Why a file stayed behind: `NAME.refused.json` beside it, until one of the two changes."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from assay.errors import AssayError
from assay.files import write_atomically
from assay.provenance.generation.arrivals import Arrival

SUFFIX = ".refused.json"


class Refusals:
    """Reasons on disk; deleting one, or changing its file, has the file tried again."""

    def holds(self, arrival: Arrival) -> bool:
        """Whether this version of the file was refused."""
        try:
            note = json.loads(reason_of(arrival.path).read_text())
            same = note["version"] == asdict(arrival.version)
        except (OSError, ValueError, KeyError, TypeError):
            return False
        return bool(same)

    def note(self, arrival: Arrival, error: AssayError) -> None:
        """Write down why.

        Raises:
            OutputRefused: the folder cannot be written.
        """
        document = {**error.problem(instance=arrival.name), "version": asdict(arrival.version)}
        write_atomically(reason_of(arrival.path), json.dumps(document, indent=2) + "\n")


def reason_of(path: Path) -> Path:
    """Where the reason for a refused file is."""
    return path.with_name(path.name + SUFFIX)

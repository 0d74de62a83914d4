"""Files that a command is asked to write."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.errors import OutputRefused

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a result that exists.")]


def refuse_existing(target: Path, *, overwrite: bool) -> None:
    """A result never replaces another one unasked.

    Raises:
        OutputRefused: `target` exists and may not be replaced.
    """
    if target.exists() and not overwrite:
        raise OutputRefused(f"{target}: exists", advice="pass --overwrite to replace it")

"""`assay demo`: the three jobs, once, on real input."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json


def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder for everything the demo makes.")
    ] = Path("assay-demo"),
    as_json: AsJson = False,
) -> None:
    """Sign, launder, verify, recover and audit; leaves an HTML report with pictures."""
    from assay.cli.demo.story import tell

    outcome = tell(out, quiet=as_json)
    if as_json:
        for step in outcome.steps:
            print_json(step.as_dict())
    raise typer.Exit(0 if outcome.as_expected else 1)

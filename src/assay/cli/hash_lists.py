"""`assay registry import` and `export`: hash lists in and out."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, each, print_json, track
from assay.cli.outputs import Overwrite, refuse_existing
from assay.cli.registries import At, open_registry


def import_(
    file: Annotated[Path, typer.Argument(help="Hash list: .csv, or ThreatExchange .json.")],
    registry: At = None,
    as_json: AsJson = False,
) -> None:
    """Register the works of a hash list."""
    from assay.provenance.matching.exchange import Listed, read_list

    listed = list(read_list(file))
    imported = 0
    with open_registry(registry, create=True) as opened:

        def register(item: Listed) -> None:
            nonlocal imported
            opened.import_hashes(item.work, item.hashes)
            imported += 1

        code = each(
            listed,
            register,
            description="Importing",
            name=lambda item: item.work.id,
            as_json=as_json,
        )
    not_kept = Counter(what for item in listed for what in item.not_kept)
    if as_json:
        print_json({"file": str(file), "works": imported, "not_kept": not_kept})
    else:
        typer.echo(f"{file}: {imported} of {len(listed)} works registered")
        if not_kept:
            told = ", ".join(f"{what} ({count})" for what, count in sorted(not_kept.items()))
            typer.echo(f"not kept: {told}", err=True)
    raise typer.Exit(code)


def export(
    file: Annotated[Path, typer.Argument(help="Hash list: .csv, or ThreatExchange .json.")],
    overwrite: Overwrite = False,
    registry: At = None,
) -> None:
    """Write every work with its public hashes."""
    from assay.provenance.matching.exchange import write_list

    refuse_existing(file, overwrite=overwrite)
    with open_registry(registry) as opened:
        write_list(file, track(opened.export(), "Exporting", total=opened.stats()["pictures"]))

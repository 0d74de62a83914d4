"""`assay audit plan` and `prompts`: what an audit needs before a picture is generated."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AsJson, print_json
from assay.cli.outputs import Overwrite, refuse_existing


def plan(
    effect: Annotated[float, typer.Option(help="Distance from the reference to be found.")] = 0.2,
    share: Annotated[
        list[float] | None,
        typer.Option(help="Reference share of a value; repeatable, summing to 1."),
    ] = None,
    prompts: Annotated[int, typer.Option(min=1, help="Number of prompts.")] = 10,
    attributes: Annotated[int, typer.Option(min=1, help="Number of attributes.")] = 1,
    answered: Annotated[
        float, typer.Option(min=0.05, max=1, help="Share of pictures that get an answer.")
    ] = 0.9,
    power: Annotated[float, typer.Option(min=0.5, max=0.99, help="Wanted power.")] = 0.8,
    as_json: AsJson = False,
) -> None:
    """Say how many pictures an audit needs, before any is generated."""
    from assay.reports.fairness.planning import plan_audit

    planned = plan_audit(
        effect=effect,
        shares=tuple(share or (0.5, 0.5)),
        prompts=prompts,
        attributes=attributes,
        answered=answered,
        power=power,
    )
    if as_json:
        print_json(planned)
        return
    typer.echo(
        f"{planned.pictures_per_prompt} pictures for each of {prompts} prompts, "
        f"{planned.pictures} in all: then a distance of {effect:.0%} from the reference is found "
        f"with {power:.0%} power, corrected for {planned.claims} claims."
    )
    typer.echo(
        f"At that number a perfect generator scores {planned.null_mean:.1%} on average and up to "
        f"{planned.null_95:.1%} in 95 % of samples."
    )


def prompts(
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV to write, to be edited freely.")],
    seeds: Annotated[int, typer.Option(min=1, help="Seeds a prompt.")] = 100,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Write a manifest of prompts to generate: occupations (ISCO-08) and changed words."""
    import csv
    import io
    from dataclasses import astuple

    from assay.files import write_atomically
    from assay.reports.fairness.prompts import COLUMNS, prompt_rows

    refuse_existing(out, overwrite=overwrite)
    rows = prompt_rows(seeds)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    write_atomically(out, buffer.getvalue())
    if as_json:
        named = len({row.prompt for row in rows})
        print_json({"file": str(out), "pictures": len(rows), "prompts": named, "seeds": seeds})
    else:
        typer.echo(f"{out}: {len(rows)} pictures to generate")

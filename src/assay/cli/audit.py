"""`assay audit`: fairness audits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from assay.cli.console import AsJson, print_json, track

if TYPE_CHECKING:
    from assay.reports import Audit


class _ManifestFirst(TyperGroup):
    """Lets `assay audit MANIFEST` stand for `assay audit run MANIFEST`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ManifestFirst,
    help="Audit how people are represented in generated pictures: assay audit MANIFEST -o DIR.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("run")
def audit(
    manifest: Annotated[
        Path, typer.Argument(help="CSV or JSONL with columns path, prompt, seed; or a folder.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for the report.")],
    labels: Annotated[
        Path | None, typer.Option(help="CSV with columns path, attribute, value, rater.")
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(help="CSV with columns attribute, value, share[, prompt, source, date]."),
    ] = None,
    annotator: Annotated[
        list[str] | None, typer.Option(help="Installed annotator, e.g. skin-tone; repeatable.")
    ] = None,
    boxes: Annotated[
        Path | None, typer.Option(help="Face boxes: CSV with path, left, top, right, bottom.")
    ] = None,
    yunet: Annotated[Path | None, typer.Option(help="YuNet model file for face boxes.")] = None,
    clip: Annotated[Path | None, typer.Option(help="Folder of a local CLIP model.")] = None,
    descriptions: Annotated[
        Path | None, typer.Option(help="For --clip: CSV with columns attribute, value, text.")
    ] = None,
    command: Annotated[
        str | None, typer.Option(help="Annotator command: PNG in, JSON observations out.")
    ] = None,
    declared: Annotated[
        Path | None,
        typer.Option(help="What prompts name: CSV with attribute, value, words (a|b)."),
    ] = None,
    earlier: Annotated[
        Path | None, typer.Option(help="report.json of an earlier audit, to set beside this one.")
    ] = None,
    gold: Annotated[
        str | None, typer.Option(help="Rater whose labels reveal the errors of the others.")
    ] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Manifest column with a favourable outcome, yes/no.")
    ] = None,
    quality: Annotated[
        list[str] | None, typer.Option(help="Manifest column with a number to compare.")
    ] = None,
    instruments: Annotated[
        bool, typer.Option("--instruments", help="Measure detector and watermark by group.")
    ] = False,
    origins: Annotated[
        bool, typer.Option("--origins", help="Read the C2PA manifest of every picture.")
    ] = False,
    pdf: Annotated[bool, typer.Option(help="Write report.pdf, where assay[pdf] is installed.")] = (
        True
    ),
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    system: Annotated[str | None, typer.Option(help="Name of the system under audit.")] = None,
    system_version: Annotated[str | None, typer.Option(help="Its version.")] = None,
    auditor: Annotated[str | None, typer.Option(help="Who audits.")] = None,
    independence: Annotated[
        str | None, typer.Option(help="Relation of the auditor to the system's owner.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Date of the audit, default today.")] = None,
    smallest_effect: Annotated[
        float, typer.Option(help="Distance from the reference that matters, 0..1.")
    ] = 0.2,
    smallest_cell: Annotated[int, typer.Option(help="Smallest group that is shown.")] = 30,
    seed: Annotated[int, typer.Option(help="Seed of all simulations.")] = 0,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Exit with 1 on this verdict, e.g. disparity-found; repeatable."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Audit the pictures of a manifest (the word `run` may be left out)."""
    from assay.reports import audit as run_audit

    _check_verdicts(fail_on or [])
    stated = {
        "title": title,
        "auditor": auditor,
        "independence": independence,
        "date": date,
        "labels": labels,
        "reference": reference,
        "boxes": boxes,
        "yunet": yunet,
        "clip": clip,
        "descriptions": descriptions,
        "command": command,
        "declared": declared,
        "earlier": earlier,
        "gold": gold,
        "annotators": annotator,
        "outcomes": outcome,
        "quality": quality,
    }
    chosen: dict[str, Any] = {name: value for name, value in stated.items() if value is not None}
    described = {"name": system, "version": system_version}
    chosen["system"] = {name: value for name, value in described.items() if value is not None}
    result = run_audit(
        manifest,
        out=out,
        pdf=pdf,
        track=partial(track, description="Reading pictures"),
        instruments=instruments,
        origins=origins,
        smallest_effect=smallest_effect,
        smallest_cell=smallest_cell,
        seed=seed,
        **chosen,
    )
    if as_json:
        print_json(result.json_document())
    else:
        _print_table(result)
        typer.echo(f"Report: {out / 'report.html'}")
    if any(result.verdicts[verdict] for verdict in fail_on or []):
        raise typer.Exit(1)


@app.command("plan")
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


@app.command("prompts")
def prompts(
    out: Annotated[Path, typer.Option("-o", "--out", help="CSV to write, to be edited freely.")],
    seeds: Annotated[int, typer.Option(min=1, help="Seeds a prompt.")] = 100,
) -> None:
    """Write a manifest of prompts to generate: occupations (ISCO-08) and changed words."""
    import csv
    import io
    from dataclasses import astuple

    from assay.files import write_atomically
    from assay.reports.fairness.prompts import COLUMNS, prompt_rows

    rows = prompt_rows(seeds)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(row) for row in rows)
    write_atomically(out, buffer.getvalue())
    typer.echo(f"{out}: {len(rows)} pictures to generate")


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(help="Manifest before the change.")],
    after: Annotated[Path, typer.Argument(help="Manifest after it, same prompts and seeds.")],
    labels_before: Annotated[Path, typer.Option(help="Labels before.")],
    labels_after: Annotated[Path, typer.Option(help="Labels after.")],
    reference: Annotated[Path | None, typer.Option(help="Reference distributions.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compare two sets of pictures from the same prompts and seeds."""
    from assay.reports.fairness.comparison import compare as run_compare

    result = run_compare(
        before,
        after,
        labels_before=labels_before,
        labels_after=labels_after,
        reference=reference,
    )
    if as_json:
        print_json(result)
        return
    for change in result.changes:
        low, high = change.interval
        typer.echo(
            f"{change.attribute}: {change.before:.1%} before, {change.after:.1%} after "
            f"(change {change.change:+.1%}, 95 % interval {low:+.1%} to {high:+.1%}, "
            f"{change.pairs} pairs): {change.direction}"
        )


@app.command("verify")
def verify(
    report: Annotated[Path, typer.Argument(help="report.html, report.json or report.pdf.")],
    as_json: AsJson = False,
) -> None:
    """Check the signature of a report."""
    from assay.reports.sealing import verify_report

    credentials = verify_report(report)
    problems = [problem.code for problem in credentials.problems]
    signer = str(credentials.signer) if credentials.signer else None
    if as_json:
        print_json({"state": credentials.state, "signer": signer, "problems": problems})
    else:
        typer.echo(f"{report}: {credentials.state}" + (f", signed by {signer}" if signer else ""))
        for problem in credentials.problems:
            typer.echo(f"  {problem.code}: {problem.meaning}")
    if credentials.state not in ("valid", "trusted"):
        raise typer.Exit(1)


def _check_verdicts(named: list[str]) -> None:
    known = ("disparity-found", "none-found", "cannot-tell")
    for verdict in named:
        if verdict not in known:
            raise typer.BadParameter(
                f"{verdict!r} is not one of {', '.join(known)}", param_hint="--fail-on"
            )


def _print_table(result: Audit) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("attribute", "prompt", "n", "distance", "95 % interval", "chance", "verdict"):
        number = heading in ("n", "distance")
        foldable = heading in ("attribute", "prompt")
        table.add_column(heading, justify="right" if number else "left", no_wrap=not foldable)
    for claim in result.claims:
        low, high = claim.interval
        table.add_row(
            claim.attribute,
            claim.stratum or "all prompts",
            str(claim.answered),
            f"{claim.total_variation:.1%}",
            f"{low:.1%} to {high:.1%}",
            f"{claim.null_95:.1%}",
            claim.verdict.code,
        )
    Console().print(table)
    for other in result.all_claims[len(result.claims) :]:
        typer.echo(f"{other.verdict.code}: {other.verdict.summary}")
    for finding in result.data.findings:
        typer.echo(f"note: {finding.summary} ({finding.count})")

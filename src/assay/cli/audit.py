"""`assay audit`: fairness audits."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli import audit_planning
from assay.cli.console import AsJson, print_json, track
from assay.cli.default_command import DefaultCommand

if TYPE_CHECKING:
    from assay.reports import Audit


class _RunFirst(DefaultCommand):
    """Lets `assay audit MANIFEST` stand for `assay audit run MANIFEST`."""

    default = "run"


app = typer.Typer(
    cls=_RunFirst,
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


app.command("plan")(audit_planning.plan)
app.command("prompts")(audit_planning.prompts)


@app.command("compare")
def compare(
    before: Annotated[Path, typer.Argument(help="Manifest before the change.")],
    after: Annotated[Path, typer.Argument(help="Manifest after it, same prompts and seeds.")],
    labels_before: Annotated[Path, typer.Option(help="Labels before.")],
    labels_after: Annotated[Path, typer.Option(help="Labels after.")],
    reference: Annotated[Path | None, typer.Option(help="Reference distributions.")] = None,
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Folder for comparison.html and .json.")
    ] = None,
    pdf: Annotated[
        bool, typer.Option(help="Write comparison.pdf, where assay[pdf] is installed.")
    ] = True,
    smallest_effect: Annotated[
        float, typer.Option(min=0, max=1, help="Change of the distance that matters.")
    ] = 0.2,
    smallest_cell: Annotated[int, typer.Option(min=1, help="Fewer pairs are not judged.")] = 30,
    as_json: AsJson = False,
) -> None:
    """Compare two sets of pictures from the same prompts and seeds."""
    from assay.reports.fairness.comparison import compare as run_compare
    from assay.reports.fairness.output import write_comparison

    result = run_compare(
        before,
        after,
        labels_before=labels_before,
        labels_after=labels_after,
        reference=reference,
        smallest_effect=smallest_effect,
        smallest_cell=smallest_cell,
    )
    if out is not None:
        write_comparison(result, out, pdf=pdf)
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
        typer.echo(f"  {change.summary}")
    for finding in result.findings:
        typer.echo(f"note: {finding.summary} ({finding.count})")
    if out is not None:
        typer.echo(f"Report: {out / 'comparison.html'}")


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
    for untested in result.not_compared:
        typer.echo(f"not compared: {untested.summary}")
    for finding in result.data.findings:
        typer.echo(f"note: {finding.summary} ({finding.count})")

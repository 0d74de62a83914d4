"""`assay provenance`: manifests in detail, recovery, drift, compliance, the log."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from assay.cli.console import AnyExtension, AsJson, each, print_json
from assay.errors import ConfigurationError

app = typer.Typer(help="Content Credentials in detail.", no_args_is_help=True)
log = typer.Typer(help="The transparency log of signings.", no_args_is_help=True)
app.add_typer(log, name="log")

File = Annotated[Path, typer.Argument(metavar="FILE")]


@app.command()
def show(
    file: File,
    manifest: Annotated[Path | None, typer.Option(help="Detached manifest (.c2pa).")] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The validator's own documents.")] = False,
    as_json: AsJson = False,
) -> None:
    """Print what the Content Credentials of a file say, as JSON."""
    from assay.provenance.examiner import describe
    from assay.provenance.reading import read

    credentials = read(file, manifest=manifest.read_bytes() if manifest else None)
    document = credentials.raw if raw else describe(credentials)
    if as_json:
        print_json(document)
    else:
        typer.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))


@app.command()
def reattach(
    file: File,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the result goes.")],
    as_json: AsJson = False,
    any_extension: AnyExtension = False,
) -> None:
    """Give a stripped copy its registered manifest back, as the parent of a new one."""
    from assay.files import write_atomically
    from assay.media import Media
    from assay.provenance.matching import Registry
    from assay.provenance.recovering import NothingRecovered
    from assay.provenance.recovering import reattach as give_back
    from assay.settings import settings

    media = Media.open(file, any_extension=any_extension)
    registry = Registry.open_existing(settings().registry_url)
    if registry is None:
        raise NothingRecovered(f"{file}: nothing was ever registered here")
    with registry:
        signed, found = give_back(media, registry)
    write_atomically(out, signed)
    if as_json:
        print_json({"out": str(out), "manifest": found.record.label, "found_by": found.found_by})
    else:
        typer.echo(f"{out}: parent {found.record.label}, found by {found.found_by}")


@app.command()
def drift(
    baseline: Annotated[Path, typer.Argument(help="Baseline file.")],
    record: Annotated[
        list[Path] | None, typer.Option(help="Write a new baseline of this file; repeatable.")
    ] = None,
    fail_on_change: Annotated[
        bool, typer.Option("--fail-on-change", help="Exit with 1 when a reading changed.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show files that read differently than when the baseline was recorded."""
    from assay.provenance import drift as drifting

    if record:
        drifting.save(drifting.record(record), baseline)
        typer.echo(f"{baseline}: {len(record)} readings", err=True)
        return
    readings = drifting.load(baseline)
    changes = drifting.compare(readings)
    if not changes and not as_json:
        typer.echo(f"{baseline}: {len(readings['files'])} read, none changed")
    for change in changes:
        if as_json:
            print_json({**asdict(change), "why": change.why})
        else:
            before, after = change.before, change.after
            typer.echo(f"{change.file}: {before['state']} -> {after['state']} ({change.why})")
    if changes and fail_on_change:
        raise typer.Exit(1)


@app.command()
def profile(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...")],
    rule: Annotated[
        str, typer.Option("--for", help="eu-ai-act, california-sb942 or china-gb45438.")
    ],
    fail_on_missing: Annotated[
        bool, typer.Option("--fail-on-missing", help="Exit with 1 when a point is missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List, point by point, what a file carries and lacks for a rule."""
    from assay.media import Media
    from assay.provenance import compliance

    if rule not in compliance.RULES:
        raise ConfigurationError(f"{rule!r}: choose one of {', '.join(compliance.RULES)}")
    lacking: list[Path] = []

    def examine(path: Path) -> None:
        result = compliance.profile(Media.open(path), rule)
        if result.missing:
            lacking.append(path)
        if as_json:
            print_json({"file": str(path), **asdict(result)})
            return
        typer.echo(f"{path}: {result.title}")
        for point in result.points:
            typer.echo(f"  {point.status:13} {point.requirement}: {point.found}")
            typer.echo(f"  {'':13} [{point.source}]")
        typer.echo(f"  {result.disclaimer}")

    exit_code = each(files, examine, description="Profiling", as_json=as_json)
    raise typer.Exit(exit_code or (1 if lacking and fail_on_missing else 0))


@log.command("show")
def show_log(as_json: AsJson = False) -> None:
    """Print the log's size, root and public key, and check that no entry was changed."""
    from assay.provenance.transparency import Log

    current = Log()
    head = current.checkpoint()
    document = {
        "key": str(current.key()),
        "size": head.size,
        "root": head.root.hex(),
        "intact": current.audit(),
    }
    if as_json:
        print_json(document)
    else:
        for name, value in document.items():
            typer.echo(f"{name:7} {value}")
    if not document["intact"]:
        raise typer.Exit(1)

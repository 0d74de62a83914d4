"""The `assay` command.

Each command is one module beside this one. Modules import what is heavy inside their
functions, so that `assay --help` answers at once.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from assay.cli import (
    access,
    audit,
    calibrate,
    datasets,
    db,
    demo,
    doctor,
    evaluate,
    generate,
    keys,
    provenance,
    registry,
    scan,
    serve,
    sign,
    train,
    trust,
    verify,
    watermark,
    worker,
)
from assay.cli.console import print_error, print_line
from assay.errors import AssayError


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"assay {version('assay')}")
        raise typer.Exit


app = typer.Typer(
    name="assay",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def options(
    print_version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_print_version, help="Print the version."
        ),
    ] = False,
) -> None:
    """Sign what you generate, verify what you receive, audit what you ship."""


app.command()(demo.demo)
app.command()(sign.sign)
app.command()(verify.verify)
app.add_typer(audit.app, name="audit")
app.add_typer(db.app, name="db")
app.add_typer(generate.app, name="generate")
app.add_typer(registry.app, name="registry")
app.add_typer(datasets.app, name="datasets")
app.add_typer(provenance.app, name="provenance")
app.add_typer(keys.app, name="keys")
app.add_typer(trust.app, name="trust")
app.add_typer(watermark.app, name="watermark")
app.command()(serve.serve)
app.command()(worker.worker)
app.add_typer(access.app, name="access")
app.command()(scan.scan)
app.add_typer(train.app, name="train")
app.command()(evaluate.evaluate)
app.command()(calibrate.calibrate)
app.command()(doctor.doctor)


def main() -> None:
    """Run the command line; the only place where an error becomes an exit code."""
    try:
        app()
    except AssayError as error:
        print_error(error, as_json="--json" in sys.argv)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)

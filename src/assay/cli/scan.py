"""`assay scan`."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from assay.cli.console import AsJson, print_json, print_line
from assay.errors import ConfigurationError

if TYPE_CHECKING:
    from assay.reports.scanning import ScanSummary

LINE_SECONDS = 15.0  # between two lines of progress in a log


def scan(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder, a Parquet list with a column uri, or s3://bucket/prefix.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder for results and report.")],
    task: Annotated[
        Literal["verify", "fingerprint", "watermark", "screen"],
        typer.Option(help="What is asked of each file."),
    ] = "verify",
    registry: Annotated[
        Path | None,
        typer.Option(help="Registry for --task screen; default: the one of the settings."),
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Worker processes; default: one for each processor.")
    ] = os.cpu_count() or 1,
    engine: Annotated[
        Literal["local", "ray"], typer.Option(help="Processes of this machine, or a Ray cluster.")
    ] = "local",
    shard_files: Annotated[
        int, typer.Option(min=1, help="Files that are committed together.")
    ] = 1000,
    file_seconds: Annotated[
        float, typer.Option(min=1, help="Time limit for one file, in seconds.")
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Ask the same of every file of a collection; run it again to go on after a stop."""
    try:
        from assay.reports.scanning import scan as run
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    if registry and task != "screen":
        raise ConfigurationError("--registry goes with --task screen")
    options = {"registry": str(registry.absolute())} if registry else {}
    with _progress() as progress:
        summary = run(
            source,
            out,
            task=task,
            options=options,
            workers=workers,
            engine=engine,
            shard_files=shard_files,
            file_seconds=file_seconds,
            progress=progress,
        )
    if as_json:
        print_json(summary)
    else:
        _show(summary, out)


def _missing(error: ModuleNotFoundError) -> Exception:
    from assay.errors import MissingExtra

    return MissingExtra(f"scanning needs {error.name}", advice="pip install 'assay[scale]'")


def _show(summary: ScanSummary, out: Path) -> None:
    print_line(f"{summary.files:,} files, {summary.distinct:,} distinct contents")
    for name, count in summary.answers.items():
        print_line(f"  {name:<24} {count:>10,}")
    for name, count in summary.refused.items():
        print_line(f"  not answered: {name:<10} {count:>10,}")
    print_line(f"{out / 'report.html'}")


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A bar with rate and time left on a terminal, a line now and then in a log."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(_speed(task.speed) if task.speed else "")

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, object] = {}

        def update(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done)  # type: ignore[arg-type]

        yield update


def _lines() -> Callable[[str, int, int], None]:
    began: dict[str, tuple[float, int]] = {}
    last = time.monotonic()

    def update(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        start, already = began.setdefault(stage, (now, done))
        if done < total and now - last < LINE_SECONDS:
            return
        last = now
        rate = (done - already) / max(now - start, 1e-9)
        left = f", {(total - done) / rate:.0f} s left" if rate and done < total else ""
        speed = f", {_speed(rate)}" if rate else ""
        sys.stderr.write(f"{stage} {done:,} of {total:,}{speed}{left}\n")

    return update


def _speed(rate: float) -> str:
    """Files a second in the unit that says most."""
    return f"{rate:.1f} files/s" if rate >= 1 else f"{1 / rate:.1f} s a file"

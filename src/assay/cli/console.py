"""What every command shares: where output goes, how errors look, how progress shows.

Results go to standard output, everything else to standard error, so that `--json` output
can always be piped.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

import typer

from assay.errors import AssayError, UnreadableFile

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts, one object a line.")]
AnyExtension = Annotated[
    bool,
    typer.Option("--any-extension", help="Accept file names that claim another type."),
]


@dataclass(frozen=True)
class Refused:
    """An argument that was refused before work on it began; `each` reports it in its turn."""

    argument: str
    error: AssayError

    def __str__(self) -> str:
        return self.argument


def printable(text: str) -> str:
    """Text that a terminal shows on one line: control characters and bad bytes escaped."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in whole)


def print_line(text: str) -> None:
    """One line of standard output, for people."""
    sys.stdout.write(printable(text) + "\n")


def print_json(document: Any) -> None:
    """One JSON object on one line of standard output."""
    if hasattr(document, "model_dump_json"):
        text = document.model_dump_json()
    else:
        text = json.dumps(document, ensure_ascii=False, default=str)
    # A lone surrogate, from a file name that is not UTF-8, becomes its JSON escape.
    sys.stdout.write(text.encode("utf-8", "backslashreplace").decode() + "\n")
    sys.stdout.flush()


def print_error(error: AssayError, *, as_json: bool = False, instance: str | None = None) -> None:
    """One line on standard error, or with `--json` a problem object on standard output."""
    if as_json:
        print_json(error.problem(instance=instance))
        return
    advice = f" ({error.advice})" if error.advice else ""
    sys.stderr.write(printable(f"assay: {error.message}{advice}") + "\n")


def each(
    items: Sequence[T | Refused],
    action: Callable[[T], None],
    *,
    description: str,
    name: Callable[[T], str] = str,
    as_json: bool = False,
) -> int:
    """Run `action` on every item; an item that is refused does not stop the others.

    Returns:
        The exit code: 0, or the highest exit code among the refused items.
    """
    exit_code = 0
    for item in track(items, description):
        label = str(item) if isinstance(item, Refused) else name(item)
        try:
            if isinstance(item, Refused):
                raise item.error
            try:
                action(item)
            except OSError as error:
                raise UnreadableFile(f"{label}: {error.strerror or error}") from error
        except AssayError as error:
            print_error(error, as_json=as_json, instance=label)
            exit_code = max(exit_code, error.exit_code)
    return exit_code


@contextmanager
def frame_progress(description: str, *, alone: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A callback that draws a bar on a terminal: (frames done, frames in all or None).

    Only for a file that is worked on `alone`: in a batch `each` has the bar.
    """
    if not alone or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def track(items: Iterable[T], description: str, *, total: int | None = None) -> Iterator[T]:
    """Iterate with a progress bar on standard error when it is a terminal and work is long."""
    if total is None and isinstance(items, Sequence):
        total = len(items)
    if not sys.stderr.isatty() or total == 1:
        yield from items
        return
    from rich.console import Console
    from rich.progress import track as rich_track

    yield from rich_track(
        items, description, total=total, console=Console(stderr=True), transient=True
    )

"""`assay verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import AnyExtension, AsJson, each, print_json
from assay.cli.inputs import expand

if TYPE_CHECKING:
    from assay.evidence import Verification
    from assay.media import Media

LONGEST_STEM = 180  # characters of a report's name; file systems end at 255 bytes


def verify(
    files: Annotated[list[str], typer.Argument(metavar="FILE|DIR...", help="What to examine.")],
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Report: a file NAME.html, or a folder.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY", help="Exit with 1 on this category; repeatable."),
    ] = None,
    any_extension: AnyExtension = False,
) -> None:
    """Say what the evidence shows about pictures and videos."""
    paths = expand(files)
    if html and len(paths) > 1 and html.suffix.lower() in (".html", ".htm"):
        raise typer.BadParameter("name a folder for more than one file", param_hint="--html")
    seen: set[str] = set()
    reports: set[Path] = set()

    def examine(path: Path) -> None:
        from assay.detector.verify import verify as verify_media
        from assay.media import Media

        media = Media.open(path, any_extension=any_extension)
        verification = verify_media(media)
        seen.add(verification.verdict.category)
        if html:
            _write_report(verification, media, html, reports)
        if as_json:
            print_json(verification)
        else:
            show(verification)

    _check_categories(fail_on or [])
    exit_code = each(paths, examine, description="Verifying", as_json=as_json)
    if exit_code == 0 and seen & set(fail_on or []):
        exit_code = 1
    raise typer.Exit(exit_code)


def show(verification: Verification) -> None:
    """Print a verification for a person: verdict first, then the evidence, kept apart."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    console = Console(highlight=False)
    verdict = verification.verdict
    name = verification.media.name or verification.media.sha256[:12]
    console.print(Text.assemble((name, "bold"), "  ", (f" {verdict.category} ", "reverse bold")))
    console.print(Padding(Text(verdict.summary), (0, 0, 0, 2)))
    for item in verification.evidence:
        if item.kind == "not-scored":
            continue
        mark = "*" if item.id in verdict.because else "-"
        head = Text.assemble(f"  {mark} {item.kind}: {item.finding}", (f", {item.strength}", "dim"))
        console.print(head)
        if item.summary != verdict.summary:
            console.print(Padding(Text(item.summary, style="dim"), (0, 0, 0, 4)))
    for missing in verdict.not_scored:
        console.print(Padding(Text(f"not scored: {missing.what}: {missing.why}"), (0, 0, 0, 4)))


def _check_categories(named: list[str]) -> None:
    from typing import get_args

    from assay.evidence import Category

    for category in named:
        if category not in get_args(Category):
            raise typer.BadParameter(
                f"{category!r} is not one of {', '.join(get_args(Category))}",
                param_hint="--fail-on",
            )


def _write_report(verification: Verification, media: Media, out: Path, written: set[Path]) -> None:
    """Write one page; pages of one run never replace each other."""
    from assay.files import write_atomically
    from assay.reports.verification import render_html, thumbnail

    target = out
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        target = out / f"{(media.name or 'media')[:LONGEST_STEM]}.html"
        if target in written:
            target = target.with_suffix(f".{media.sha256[:8]}.html")
    write_atomically(target, render_html(verification, picture=thumbnail(media)))
    written.add(target)

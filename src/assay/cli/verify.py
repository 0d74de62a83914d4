"""`assay verify`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import AnyExtension, AsJson, Refused, each, print_json, print_line
from assay.cli.inputs import expand
from assay.cli.remote import ApiKey, Server, examining_at
from assay.errors import OutputRefused, UnsupportedMedia
from assay.settings import settings

if TYPE_CHECKING:
    from assay.evidence import Verification
    from assay.media import Media
    from assay.provenance.documents import Document

STANDARD_STREAM = "-"
LONGEST_STEM = 180  # characters of a report's name; file systems end at 255 bytes


@dataclass(frozen=True)
class Named:
    """What the user named: a file by its path, or by its URL as text; `-` is standard input."""

    where: Path | str

    def __str__(self) -> str:
        return str(self.where)


def verify(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE|DIR|URL|-...", help="What to examine.")
    ],
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Report: a file NAME.html, or a folder.")
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(metavar="CATEGORY", help="Exit with 1 on this category; repeatable."),
    ] = None,
    any_extension: AnyExtension = False,
    allow_network: Annotated[
        bool, typer.Option("--allow-network", help="Download the URLs that are named here.")
    ] = False,
    fetch_remote: Annotated[
        bool,
        typer.Option(
            "--fetch-remote", help="Ask servers for manifests that files say are kept there."
        ),
    ] = False,
    server: Server = None,
    api_key: ApiKey = None,
) -> None:
    """Say what the evidence shows about pictures, videos and signed documents."""
    paths = _arguments(files, allow_network or server is not None)
    if html and len(paths) > 1 and html.suffix.lower() in (".html", ".htm"):
        raise typer.BadParameter("name a folder for more than one file", param_hint="--html")
    seen: set[str] = set()
    reports: set[Path] = set()
    ask: Callable[[Path | str], Verification] | None = None

    def examine(source: Named) -> None:
        media: Media | Document | None = None
        if ask is not None:
            verification = ask(source.where)
        else:
            media = _open(source, any_extension)
            verification = _verify(media, fetch_remote)
        seen.add(verification.verdict.category)
        page = _write_report(verification, media, html, reports) if html else None
        if as_json:
            print_json(verification)
            return
        show(verification)
        if page:
            print_line(f"  report: {page}")

    _check_categories(fail_on or [])
    if server and STANDARD_STREAM in files:
        raise typer.BadParameter("standard input is examined here only", param_hint="--server")
    with ExitStack() as held:
        if server:
            ask = held.enter_context(examining_at(server, api_key, alone=len(paths) == 1))
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


def _arguments(files: Iterable[str], allow_network: bool) -> list[Named | Refused]:
    """Files, files in folders, and URLs where the network may be used."""
    found: list[Named | Refused] = []
    for argument in files:
        if argument == STANDARD_STREAM:
            found.append(Named(STANDARD_STREAM))
        elif not argument.lower().startswith(("http://", "https://")):
            files_named = expand([argument])
            found.extend(f if isinstance(f, Refused) else Named(f) for f in files_named)
        elif allow_network:
            found.append(Named(argument))
        else:
            refusal = UnsupportedMedia(
                f"{argument}: URLs are not fetched unless you say so",
                advice="pass --allow-network, or download the file and pass its path",
            )
            found.append(Refused(argument, refusal))
    return found


def _open(source: Named, any_extension: bool) -> Media | Document:
    from assay.provenance.documents import open_any, open_bytes

    if isinstance(source.where, Path):
        return open_any(source.where, any_extension=any_extension)
    if source.where == STANDARD_STREAM:
        data = sys.stdin.buffer.read(settings().limits.max_bytes + 1)
        return open_bytes(data, name="standard input")
    from assay.fetching import fetch

    fetched = fetch(source.where)
    return open_bytes(fetched.data, name=fetched.final_url.partition("?")[0].rpartition("/")[2])


def _verify(media: Media | Document, fetch_remote: bool) -> Verification:
    from assay.detector.verify import verify as verify_media
    from assay.detector.verify_document import verify_document
    from assay.extending import EXAMINERS, load
    from assay.media import Media
    from assay.provenance.examiner import C2paExaminer
    from assay.provenance.reading import fetch_manifest

    fetch: Callable[[str], bytes] | None = fetch_manifest if fetch_remote else None
    if not isinstance(media, Media):
        return verify_document(media, fetch=fetch)
    if fetch is None:
        return verify_media(media)
    return verify_media(media, examiners={**load(EXAMINERS), "c2pa": C2paExaminer(fetch)})


def _check_categories(named: list[str]) -> None:
    from typing import get_args

    from assay.evidence import Category

    for category in named:
        if category not in get_args(Category):
            raise typer.BadParameter(
                f"{category!r} is not one of {', '.join(get_args(Category))}",
                param_hint="--fail-on",
            )


def _write_report(
    verification: Verification, media: Media | Document | None, out: Path, written: set[Path]
) -> Path:
    """Write one page and say where; pages of one run never replace each other.

    Raises:
        OutputRefused: it cannot be written there.
    """
    from assay.files import write_atomically
    from assay.media import Media
    from assay.reports.verification import page_of, render_html

    target = out
    if out.suffix.lower() not in (".html", ".htm") or out.is_dir():
        if out.is_file():
            raise OutputRefused(f"{out}: is a file", advice="name a folder, or a file NAME.html")
        summary = verification.media
        target = out / f"{(summary.name or 'media')[:LONGEST_STEM]}.html"
        if target in written:
            target = target.with_suffix(f".{summary.sha256[:8]}.html")
    if isinstance(media, Media):
        write_atomically(target, page_of(verification, media))
    else:
        write_atomically(target, render_html(verification))
    written.add(target)
    return target

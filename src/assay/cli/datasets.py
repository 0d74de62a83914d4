"""`assay datasets`: which pictures of a training set to keep, to drop, or to look at."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.console import AsJson, print_json, printable, track
from assay.cli.curating import (
    KnownFiles,
    RegisteredWorks,
    report_of,
    side_copied,
    side_found,
    temporary_registry,
    write_pages,
)
from assay.cli.registry import failed
from assay.errors import OutputRefused

if TYPE_CHECKING:
    from assay.datasets.curation import FileVerdict, Folder, Pair
    from assay.datasets.curation.licences import LicenceFilter

app = typer.Typer(
    help="Curate training sets: duplicates, registered works, licences, memorisation. "
    "Nothing is deleted; results are lists.",
    no_args_is_help=True,
)

Set = Annotated[Path, typer.Argument(help="Folder of pictures and videos.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Folder for lists, pages and report.json.")]
Parts = Annotated[
    bool,
    typer.Option(
        "--parts/--whole",
        help="Find details and collages too, or whole copies only: faster from 10,000 files on.",
    ),
]
FailOn = Annotated[
    str | None,
    typer.Option(help="Exit with 1 on a pair of this decision or stronger: match, verify, review."),
]
Manifest = Annotated[Path | None, typer.Option(help="CSV with the columns path and licence.")]


@app.command()
def screen(
    folder: Set,
    out: Out,
    registry: Annotated[
        str | None,
        typer.Option("--registry", help="File or database URL; default: that of the settings."),
    ] = None,
    manifest: Manifest = None,
    licence: Annotated[
        list[str] | None, typer.Option(help="Allowed SPDX licence (repeatable); needs --manifest.")
    ] = None,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Find files that copy registered or opted-out works, or whose licence is not allowed."""
    from assay.datasets.curation import Folder
    from assay.datasets.curation import screen as screened
    from assay.datasets.curation.verdicts import counts
    from assay.provenance.matching import Registry
    from assay.reports.rendering.pairs_page import Side
    from assay.settings import settings

    failed([], fail_on)
    files = Folder.of(folder)
    licences = _licences(manifest, files, licence)
    with Registry(registry or settings().registry_url, create=False) as opened:
        names = track(files.names, "Screening")
        found = screened(files, names, RegisteredWorks(opened), licences)
        registered = opened.stats()["works"]
    tally = counts(found.verdicts) | {"works": registered, "pairs": len(found.pairs)}

    def work(pair: Pair) -> Side:
        terms = found.terms[pair.of]
        facts = {
            "title": terms.title,
            "rights holder": terms.rights_holder,
            "licence": terms.licence,
            "training": "reserved by the rights holder" if terms.opted_out else "not reserved",
        }
        return Side(pair.of, None, tuple((k, v) for k, v in facts.items() if v))

    report = report_of("screening", tally)
    _write(out, report, found.verdicts, found.pairs)
    write_pages(
        found.pairs,
        out,
        title="Screening of a training set",
        headline=_headline(tally),
        facts=_facts(tally),
        left=side_found(folder),
        right=work,
        sides=("the file of the set", "the registered work, which the registry has no copy of"),
    )
    _finish(report, out, found.pairs, fail_on, as_json=as_json)


@app.command()
def deduplicate(
    folder: Set,
    out: Out,
    parts: Parts = True,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Find copies and near-copies within a set, and say which file of each group to keep."""
    from assay.datasets.curation import Folder, find_pairs
    from assay.datasets.curation import deduplicate as deduplicated
    from assay.datasets.curation.verdicts import counts

    failed([], fail_on)
    files = Folder.of(folder)
    with temporary_registry() as empty:
        names = track(files.names, "Comparing")
        compared = find_pairs(files, names, KnownFiles(empty, parts=parts))
    result = deduplicated(compared)
    tally = counts(result.verdicts) | {
        "pairs": len(compared.pairs),
        "clusters": len(result.clusters),
        "in_clusters": sum(map(len, result.clusters)),
    }
    report = report_of("deduplication", tally)
    _write(out, report | {"clusters": result.clusters}, result.verdicts, compared.pairs)
    write_pages(
        compared.pairs,
        out,
        title="Near-duplicates of a set",
        headline=_headline(tally),
        facts=_facts(tally),
        left=side_found(folder),
        right=side_copied(folder),
        sides=("the later file by name", "the earlier file"),
    )
    _finish(report, out, compared.pairs, fail_on, as_json=as_json)


@app.command()
def memorisation(
    generated: Annotated[Path, typer.Argument(help="Folder of generated pictures.")],
    training: Annotated[Path, typer.Option(help="Folder of training pictures.")],
    out: Out,
    parts: Parts = True,
    fail_on: FailOn = None,
    as_json: AsJson = False,
) -> None:
    """Find generated pictures that copy training pictures, and the rate at which that happens."""
    from assay.datasets.curation import Folder, find_copies
    from assay.datasets.curation.memorisation import learn
    from assay.datasets.curation.verdicts import write_pairs, write_report

    failed([], fail_on)
    outputs, learnt = Folder.of(generated), Folder.of(training)
    with temporary_registry() as empty:
        known = KnownFiles(empty, parts=parts)
        skipped = learn(learnt, track(learnt.names, "Reading training pictures"), known)
        names = track(outputs.names, "Comparing generated pictures")
        found = find_copies(outputs, names, known)
    tally = found.summary() | {
        "training": len(learnt.names) - len(skipped),
        "training_refused": len(skipped),
    }
    report = report_of("memorisation", tally)
    refused = [vars(file) for file in (*found.refused, *skipped)]
    write_report(report | {"refused": refused}, out)
    write_pairs(found.pairs, out)
    write_pages(
        found.pairs,
        out,
        title="Memorisation",
        headline=f"{tally['replicated']:,} of {tally['generated']:,} generated pictures "
        "copy a training picture",
        facts=_facts(tally),
        left=side_found(generated),
        right=side_copied(training),
        sides=("the generated picture", "the training picture"),
    )
    _finish(report, out, found.pairs, fail_on, as_json=as_json)


@app.command()
def datasheet(
    folder: Set,
    out: Annotated[Path, typer.Option("--out", "-o", help="Markdown file, not replaced.")],
    title: Annotated[str, typer.Option(help="Of the data set; default: the folder's name.")] = "",
    manifest: Annotated[
        Path | None,
        typer.Option(help="CSV whose label, generator, source and licence columns are counted."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option(help="report.json of a screening or deduplication (repeatable)."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a datasheet: what the set holds, counted, and the questions only its makers answer."""
    from assay.datasets.curation import Folder
    from assay.datasets.curation.datasheet import Contents, count_columns, read_report
    from assay.datasets.curation.datasheet import datasheet as written
    from assay.files import write_atomically

    if out.exists():
        raise OutputRefused(f"{out}: exists, and may hold answers", advice="choose another name")
    files = Folder.of(folder)
    contents = Contents.of(files, track(files.names, "Counting"))
    sheet = written(
        contents,
        title=title or folder.resolve().name,
        columns=count_columns(manifest) if manifest else {},
        runs=[read_report(path) for path in report or []],
    )
    write_atomically(out, sheet)
    if as_json:
        print_json({"file": str(out), "files": len(contents.items)})
    else:
        typer.echo(printable(f"{out}: {len(contents.items):,} files counted"))


def _licences(
    manifest: Path | None, files: Folder, allowed: list[str] | None
) -> LicenceFilter | None:
    from assay.datasets.curation.licences import LicenceFilter

    if (manifest is None) != (not allowed):
        raise typer.BadParameter("--manifest and --licence go together")
    if manifest is None:
        return None
    return LicenceFilter.read(manifest, files.path, allowed or ())


def _write(
    out: Path, report: dict[str, Any], verdicts: Sequence[FileVerdict], pairs: Sequence[Pair]
) -> None:
    from assay.datasets.curation.verdicts import write_pairs, write_report, write_verdicts

    write_verdicts(verdicts, out)
    write_pairs(pairs, out)
    write_report(report, out)


def _headline(tally: dict[str, Any]) -> str:
    return f"{tally['drop']:,} of {tally['files']:,} files to drop, {tally['look']:,} to look at"


def _facts(tally: dict[str, Any]) -> list[tuple[str, str]]:
    """The figures of a run for a page, nested ones left out."""
    return [
        (name.replace("_", " "), f"{value:,}")
        for name, value in tally.items()
        if isinstance(value, int)
    ]


def _finish(
    report: dict[str, Any],
    out: Path,
    pairs: Sequence[Pair],
    fail_on: str | None,
    *,
    as_json: bool,
) -> None:
    if as_json:
        print_json(report | {"out": str(out)})
    else:
        for name, value in report["counts"].items():
            typer.echo(f"{name.replace('_', ' ')}: {_in_words(value)}")
        typer.echo(printable(f"lists and pages: {out}"))
    raise typer.Exit(failed([pair.decision for pair in pairs], fail_on))


def _in_words(value: Any) -> str:
    """A figure of a report for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_in_words(part)}" for name, part in value.items()) or "none"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, tuple):
        return " to ".join(map(_in_words, value))
    return "none" if value is None else f"{value:,}"

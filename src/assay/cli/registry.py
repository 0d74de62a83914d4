"""`assay registry`: known works and signed files, found again by the look of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli import hash_lists
from assay.cli.console import AnyExtension, AsJson, each, print_json
from assay.cli.registries import At, open_registry

if TYPE_CHECKING:
    from assay.media import Media
    from assay.provenance.matching import Match, Receipt, RecoveredManifest
    from assay.provenance.matching.works import Work

app = typer.Typer(help="Registry of works and of signed files.", no_args_is_help=True)

Files = Annotated[list[str], typer.Argument(help="Pictures, videos or folders of them.")]
FailOn = Annotated[
    str | None,
    typer.Option(help="Exit with 1 on this decision or a stronger one: match, verify, review."),
]


@app.command()
def add(
    files: Files,
    title: Annotated[str, typer.Option(help="Of a single work.")] = "",
    work_id: Annotated[str | None, typer.Option("--id", help="Of a single work.")] = None,
    rights_holder: Annotated[str, typer.Option()] = "",
    licence: Annotated[str, typer.Option(help="SPDX id or name.")] = "",
    terms: Annotated[str, typer.Option(help="Address or text.")] = "",
    training_opt_out: Annotated[
        bool, typer.Option("--training-opt-out", help="Reserved against use for training.")
    ] = False,
    source: Annotated[list[str] | None, typer.Option(help="Where it is published.")] = None,
    registrant: Annotated[str, typer.Option()] = "",
    dispute: Annotated[str, typer.Option(help="Address for disputes.")] = "",
    kind: Annotated[str, typer.Option(help="photograph, logo, chart, template, ...")] = "",
    valid_from: Annotated[
        datetime | None, typer.Option(help="In force from this moment (UTC).")
    ] = None,
    valid_until: Annotated[
        datetime | None, typer.Option(help="In force until this moment (UTC).")
    ] = None,
    registry: At = None,
    any_extension: AnyExtension = False,
    as_json: AsJson = False,
) -> None:
    """Register works; files in a folder are one work each, titled by their name.

    A file that is registered with the same rights already is not registered again.
    """
    from assay.cli.inputs import expand
    from assay.provenance.matching.repeats import RegisteredFiles, same_rights
    from assay.provenance.matching.works import Work

    paths = expand(files)
    fields: dict[str, Any] = {
        "rights_holder": rights_holder,
        "licence": licence,
        "terms": terms,
        "training_opt_out": training_opt_out,
        "sources": source or [],
        "registrant": registrant,
        "dispute": dispute,
        "valid_from": valid_from,
        "valid_until": valid_until,
    }
    if valid_from and valid_until and valid_from > valid_until:
        raise typer.BadParameter("is after --valid-until", param_hint="--valid-from")
    if kind:
        fields["kind"] = kind
    if len(paths) > 1 and (work_id or title):
        raise typer.BadParameter("--id and --title name one work; several files were given")
    with (
        open_registry(registry, create=True) as opened,
        closing(RegisteredFiles(opened.url)) as registered,
    ):

        def register(path: Path) -> None:
            work = Work.parse(
                {**fields, "title": title or path.name} | ({"id": work_id} if work_id else {})
            )
            media = _media(path, any_extension)
            of_file = registered.works(media.sha256)
            same = [w for w in of_file if same_rights(w, work) and work_id in (None, w.id)]
            if same:
                _tell_added(path, same[0], [], already=True, as_json=as_json)
            else:
                opened.add(media, work)
                _tell_added(path, work, of_file, already=False, as_json=as_json)

        code = each(paths, register, description="Registering", as_json=as_json)
    raise typer.Exit(code)


@app.command()
def match(
    files: Files,
    disclose: Annotated[
        bool, typer.Option("--disclose", help="Show exact distances; for trusted callers.")
    ] = False,
    fail_on: FailOn = None,
    registry: At = None,
    any_extension: AnyExtension = False,
    as_json: AsJson = False,
) -> None:
    """Look for registered works that files copy."""
    decisions: list[str] = []
    with open_registry(registry) as opened:

        def look(path: Path) -> None:
            found = opened.match(_media(path, any_extension), disclose=disclose)
            decisions.extend(item.decision for item in found)
            if as_json:
                matches = [item.model_dump(mode="json") for item in found]
                print_json({"file": str(path), "matches": matches})
                return
            for item in found:
                work = opened.work(item.work_id)
                typer.echo(f"{path}: {_line(item, work.title or item.work_id)}")
            if not found:
                typer.echo(f"{path}: no registered work")

        code = _each(files, look, "Matching", as_json)
    raise typer.Exit(code or failed(decisions, fail_on))


@app.command()
def recover(
    files: Files,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the manifests (.c2pa).")
    ] = None,
    fail_on: FailOn = None,
    registry: At = None,
    any_extension: AnyExtension = False,
    as_json: AsJson = False,
) -> None:
    """Look for the manifests of signed files that lost theirs."""
    decisions: list[str] = []
    with open_registry(registry) as opened:

        def look(path: Path) -> None:
            found = opened.recover(_media(path, any_extension))
            decisions.extend(item.decision for item in found)
            written = _write_manifest(path, found, out)
            if as_json:
                print_json(
                    {
                        "file": str(path),
                        "manifests": [_describe(item) for item in found],
                        "written": None if written is None else str(written),
                    }
                )
                return
            for item in found:
                typer.echo(f"{path}: {_line(item, item.record.label)}")
            if not found:
                typer.echo(f"{path}: no registered manifest")

        code = _each(files, look, "Recovering", as_json)
    raise typer.Exit(code or failed(decisions, fail_on))


@app.command()
def remove(work_ids: list[str], registry: At = None) -> None:
    """Delete works; nothing finds them from then on."""
    with open_registry(registry) as opened:
        for work_id in work_ids:
            opened.remove(work_id)


@app.command()
def stats(registry: At = None, as_json: AsJson = False) -> None:
    """Show how much is registered."""
    with open_registry(registry) as opened:
        counts = opened.stats()
    if as_json:
        print_json(counts)
        return
    for name, count in counts.items():
        typer.echo(f"{name.replace('_', ' ')}: {count:,}")


@app.command()
def compact(registry: At = None) -> None:
    """Rewrite index files and log, so that they hold nothing of deleted works."""
    with open_registry(registry) as opened:
        opened.compact()


app.command("import")(hash_lists.import_)
app.command("export")(hash_lists.export)


def _tell_added(path: Path, work: Work, also: list[Work], *, already: bool, as_json: bool) -> None:
    """The id of a file's work, and other works of the same file, which have other rights."""
    others = [other.id for other in also]
    if as_json:
        told = {"file": str(path), "work_id": work.id, "already_registered": already}
        print_json(told | ({"same_file_as": others} if others else {}))
        return
    before = "already registered as " if already else ""
    after = f"  (the same file, with other rights, is {', '.join(others)})" if others else ""
    typer.echo(f"{before}{work.id}  {path}{after}")


def _media(path: Path, any_extension: bool) -> Media:
    from assay.media import Media

    return Media.open(path, any_extension=any_extension)


def _each(files: list[str], look: Any, description: str, as_json: bool) -> int:
    from assay.cli.inputs import expand

    return each(expand(files), look, description=description, as_json=as_json)


def failed(decisions: Sequence[str], fail_on: str | None) -> int:
    """The exit code of `--fail-on`: 1 when one decision is as strong as it names, or stronger.

    Raises:
        typer.BadParameter: it names no decision.
    """
    from assay.provenance.matching.receipts import DECISION_ORDER

    if fail_on is None:
        return 0
    if fail_on not in DECISION_ORDER:
        raise typer.BadParameter(f"--fail-on is one of {', '.join(DECISION_ORDER)}")
    strong_enough = DECISION_ORDER[: DECISION_ORDER.index(fail_on) + 1]
    return int(any(decision in strong_enough for decision in decisions))


def _line(found: Match | RecoveredManifest, name: str) -> str:
    receipt: Receipt = found.receipt
    return f"{found.decision}  {name}  {receipt.reason}"


def _describe(found: RecoveredManifest) -> dict[str, Any]:
    described = found.model_dump(mode="json", exclude={"record": {"manifest"}})
    return {**described, "manifest_bytes": len(found.record.manifest)}


def _write_manifest(path: Path, found: list[RecoveredManifest], out: Path | None) -> Path | None:
    """The best manifest, beside the name of the file it belongs to."""
    from assay.files import write_atomically

    if out is None or not found or found[0].decision == "review":
        return None
    return write_atomically(out / f"{path.stem}.c2pa", found[0].record.manifest)

"""`assay trust`: the lists that decide which signers are believed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from assay.cli.console import AsJson, print_json

if TYPE_CHECKING:
    from assay.provenance.revocation import RevocationList
    from assay.provenance.trust import Kind, TrustList

app = typer.Typer(help="Trust lists.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Short name, shown in every verification.")],
    file: Annotated[
        Path, typer.Argument(help="PEM certificates.", exists=True, dir_okay=False, readable=True)
    ],
    uri: Annotated[str | None, typer.Option(help="Where the list is published.")] = None,
    kind: Annotated[str, typer.Option(help="manifest, tsa or cawg.")] = "manifest",
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a list.")] = False,
    as_json: AsJson = False,
) -> None:
    """Believe the certificates of a PEM file, under a name."""
    from assay.provenance import trust

    added = trust.add(name, file.read_bytes(), uri=uri, kind=cast("Kind", kind), replace=replace)
    _print([added], as_json)


@app.command()
def revoke(
    name: Annotated[str, typer.Argument(help="Short name of the list.")],
    file: Annotated[
        Path,
        typer.Argument(help="Revocation list, PEM or DER.", exists=True, dir_okay=False),
    ],
    issuer: Annotated[
        Path | None,
        typer.Option(
            help="PEM certificate of the authority; default: one of the trust lists.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite a list.")] = False,
    as_json: AsJson = False,
) -> None:
    """Stop believing the certificates of an authority's revocation list (CRL)."""
    from assay.provenance import revocation

    added = revocation.add(
        name,
        file.read_bytes(),
        issuer=issuer.read_bytes() if issuer else None,
        replace_old=replace,
    )
    _print_revoked([added], as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """Show the installed lists."""
    from assay.provenance import revocation, trust

    _print(list(trust.installed()), as_json)
    _print_revoked(list(revocation.installed()), as_json)


@app.command()
def remove(
    name: str,
    revoked: Annotated[
        bool, typer.Option("--revoked", help="The revocation list of this name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Stop believing a list; or forget a revocation list."""
    from assay.provenance import revocation, trust

    if revoked:
        revocation.remove(name)
    else:
        trust.remove(name)
    if as_json:
        print_json({"removed": name, "kind": "revocations" if revoked else "trust list"})


def _print_revoked(lists: list[RevocationList], as_json: bool) -> None:
    for entry in lists:
        document = {
            "name": entry.name,
            "kind": "revoked",
            "issuer": entry.issuer,
            "revoked": len(entry.revoked),
            "updated": entry.updated.isoformat(),
            "next_update": entry.next_update.isoformat() if entry.next_update else None,
        }
        if as_json:
            print_json(document)
        else:
            typer.echo(
                f"{entry.name}  revoked  {len(entry.revoked)} certificates of {entry.issuer}  "
                f"{entry.updated:%Y-%m-%d}"
            )


def _print(lists: list[TrustList], as_json: bool) -> None:
    for entry in lists:
        if as_json:
            print_json(_describe(entry))
        else:
            typer.echo(f"{entry.name}  {entry.kind}  {len(entry.subjects)} anchors  {entry.uri}")


def _describe(entry: TrustList) -> dict[str, Any]:
    return {
        "name": entry.name,
        "uri": entry.uri,
        "kind": entry.kind,
        "anchors": entry.subjects,
    }

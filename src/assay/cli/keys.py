"""`assay keys`: the development signing identity, and imported ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import AsJson, print_json

if TYPE_CHECKING:
    from assay.provenance.keys import KeyInfo

app = typer.Typer(help="Signing and watermark keys.", no_args_is_help=True)

Pem = Annotated[Path, typer.Option(exists=True, dir_okay=False, readable=True)]


@app.command()
def init(as_json: AsJson = False) -> None:
    """Make a development CA, a signing identity and a watermark key."""
    from assay.provenance import keys

    _print(keys.init(), as_json)


@app.command()
def show(as_json: AsJson = False) -> None:
    """Describe the installed keys; no secret is printed."""
    from assay.provenance import keys

    _print(keys.show(), as_json)


@app.command()
def renew(as_json: AsJson = False) -> None:
    """Replace the development certificate by a fresh one."""
    from assay.provenance import keys

    _print(keys.renew(), as_json)


@app.command("import")
def import_signer(certificate: Pem, key: Pem, as_json: AsJson = False) -> None:
    """Install the certificate chain and PKCS#8 key of a real CA."""
    from assay.provenance import keys

    _print(keys.import_signer(certificate.read_bytes(), key.read_bytes()), as_json)


def _print(info: KeyInfo, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "folder": str(info.folder),
                "signer": info.signer,
                "issuer": info.issuer,
                "serial_number": info.serial_number,
                "not_before": info.not_before.isoformat(),
                "not_after": info.not_after.isoformat(),
                "days_left": round(info.days_left, 1),
                "development": info.development,
                "watermark_key": info.watermark_key,
                "warning": info.warning,
            }
        )
        return
    typer.echo(f"signer      {info.signer}")
    typer.echo(f"issuer      {info.issuer}")
    typer.echo(f"valid until {info.not_after:%Y-%m-%d} ({info.days_left:.0f} days left)")
    typer.echo(f"keys in     {info.folder}")
    if info.development:
        typer.echo("development only: other machines will not trust what it signs")
    if info.warning:
        typer.echo(f"warning: {info.warning}", err=True)

"""`assay access`: API keys of the service."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from assay.cli.console import AsJson, print_json, print_line

if TYPE_CHECKING:
    from assay.api.access.keys import ApiKey, KeyStore

app = typer.Typer(help="API keys of the service.", no_args_is_help=True)

KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `assay access list` shows it.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use the key.")],
    scope: Annotated[
        list[str],
        typer.Option(help="verify, sign, works, audit, metrics or admin; repeatable."),
    ],
    days: Annotated[
        float | None, typer.Option(min=0.001, help="Days until it expires; default: never.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, once."""
    expires = None if days is None else datetime.now(UTC) + timedelta(days=days)
    key, written = _store().create(name, scope, expires=expires)
    _print_once(key, written, as_json)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """Show every key and its last use; no secret is shown."""
    keys = _store().list()
    if as_json:
        for key in keys:
            print_json(_described(key))
        return
    for key in keys:
        used = f"last used {key.last_used:%Y-%m-%d %H:%M} UTC" if key.last_used else "never used"
        state = "" if key.active else "revoked  " if key.revoked else "expired  "
        print_line(f"{key.id}  {state}{key.name}  {','.join(key.scopes)}  {used}")
    if not keys:
        typer.echo("no keys yet: assay access create NAME --scope verify", err=True)


@app.command()
def rotate(
    key_id: KeyId,
    grace_hours: Annotated[
        float, typer.Option(min=0, max=24 * 90, help="How long the present secret still works.")
    ] = 24.0,
    as_json: AsJson = False,
) -> None:
    """Give a key a new secret and print it, once."""
    key, written = _store().rotate(key_id, grace=timedelta(hours=grace_hours))
    _print_once(key, written, as_json)


@app.command()
def revoke(key_id: KeyId, as_json: AsJson = False) -> None:
    """Refuse a key from now on."""
    key = _store().revoke(key_id)
    if as_json:
        print_json(_described(key))
    else:
        print_line(f"{key.id}  revoked  {key.name}")


def _store() -> KeyStore:
    from assay.api.access.keys import KeyStore
    from assay.api.records import open_database

    return KeyStore(open_database())


def _print_once(key: ApiKey, written: str, as_json: bool) -> None:
    if as_json:
        print_json({**_described(key), "key": written})
        return
    sys.stdout.write(f"{written}\n")
    typer.echo("Keep it now: it is not stored and cannot be shown again.", err=True)
    if key.previous_until:
        until = f"{key.previous_until:%Y-%m-%d %H:%M} UTC"
        typer.echo(f"The former secret works until {until}.", err=True)


def _described(key: ApiKey) -> dict[str, Any]:
    def moment(at: datetime | None) -> str | None:
        return at.isoformat() if at else None

    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "active": key.active,
        "created": moment(key.created),
        "expires": moment(key.expires),
        "revoked": moment(key.revoked),
        "last_used": moment(key.last_used),
        "previous_until": moment(key.previous_until),
    }

"""`assay serve`."""

from __future__ import annotations

from typing import Annotated

import typer

from assay.errors import ConfigurationError

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8000,
) -> None:
    """Run the HTTP API and the page on which a picture can be dropped."""
    if host not in _LOOPBACK:
        raise ConfigurationError(
            f"{host}: this version has no authentication and listens on loopback only",
            advice="put a reverse proxy that authenticates in front of 127.0.0.1",
        )
    import uvicorn

    typer.echo(f"Assay listens on http://{host}:{port}", err=True)
    uvicorn.run("assay.api.app:create_app", factory=True, host=host, port=port, log_level="info")

"""`assay serve`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes a free one.")
    ] = 8000,
    role: Annotated[
        Literal["all", "api"] | None,
        typer.Option(help="`api` leaves examinations to `assay worker`; default: ASSAY_ROLE."),
    ] = None,
    engine: Annotated[
        Literal["local", "ray"] | None,
        typer.Option(
            help="Where files are examined: children of this process, or replicas on a Ray "
            "cluster; default: ASSAY_ENGINE."
        ),
    ] = None,
) -> None:
    """Run the HTTP API, its jobs and its pages."""
    from assay.api.operations.serving import run
    from assay.settings import settings

    # Whatever the process starts reads them there.
    chosen = {"ASSAY_ROLE": role, "ASSAY_ENGINE": engine}
    os.environ.update({name: value for name, value in chosen.items() if value})
    settings.cache_clear()
    run(
        host,
        port,
        on_listening=lambda address: typer.echo(f"Assay listens on {address}", err=True),
    )

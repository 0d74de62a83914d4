"""Asking a service instead of examining here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import frame_progress

if TYPE_CHECKING:
    from assay.api.client import Progress
    from assay.evidence import Verification

Server = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Ask this service; nothing is examined here."),
]
ApiKey = Annotated[
    str | None,
    typer.Option(metavar="KEY", envvar="ASSAY_API_KEY", help="API key of the service."),
]


@contextmanager
def examining_at(
    server: str, api_key: str | None, *, alone: bool
) -> Iterator[Callable[[Path | str], Verification]]:
    """A function that has a file, or what is at a URL, examined by a service.

    Args:
        alone: there is one file, so that its own progress is drawn.
    """
    from assay.api.client import Client

    with (
        Client(server, api_key=api_key) as client,
        frame_progress("Verifying", alone=alone) as draw,
    ):

        def told(progress: Progress) -> None:
            draw(progress.done, progress.total)

        yield lambda source: client.verify(source, on_progress=told if alone else None)

"""`assay worker`."""

from __future__ import annotations

import os
from typing import Annotated, Literal

import typer


def worker(
    engine: Annotated[
        Literal["local", "ray"] | None,
        typer.Option(help="Children of this process, or a Ray cluster; default: ASSAY_ENGINE."),
    ] = None,
) -> None:
    """Run examinations and audits that `assay serve` accepts, without answering requests.

    Any number of workers share one queue. SIGTERM lets running examinations finish.
    """
    import signal
    import threading

    from assay.api.audits.runner import working
    from assay.api.examining import chosen_examiners
    from assay.api.jobs import Worker
    from assay.api.media_store import MediaStore
    from assay.api.operations import logs
    from assay.api.records import Records, open_database
    from assay.settings import settings

    if engine:
        os.environ["ASSAY_ENGINE"] = engine
        settings.cache_clear()
    logs.configure()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    store = MediaStore.open()
    examiners = chosen_examiners(store)
    running = Worker(Records(open_database()), store, examiners)
    running.start(warm=True)
    typer.echo(f"Assay examines up to {examiners.size} files at once", err=True)
    with working():
        stop.wait()
    running.stop()

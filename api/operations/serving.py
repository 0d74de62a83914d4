"""Running the service until it is told to stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType

import structlog
import uvicorn

from assay.api.access.binding import check_bind
from assay.api.operations import logs
from assay.api.operations.listening import address_of, listen
from assay.settings import settings

stopping = threading.Event()
"""Set when the process was told to stop: streams that would never end look at it."""

KEEP_ALIVE_SECONDS = 75  # longer than the 60 s of common load balancers, which must close first

MOST_HEAD_BYTES = 65_536
"""Of a request's first line and headers, or of the trailers after its body."""


class Server(uvicorn.Server):
    """A server that tells its streams that it stops."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        stopping.set()
        super().handle_exit(sig, frame)


def run(
    host: str, port: int, *, on_listening: Callable[[str], object] = lambda address: None
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the requests at work.

    Args:
        on_listening: told the address once it is taken; requests are answered soon after.

    Raises:
        OpenBind: others can reach the address and nobody would be asked who they are.
        ConfigurationError: a setting, or the port, cannot be used.
    """
    from assay.api.app import create_app  # its streams import this module

    mode = check_bind(host)
    sockets = listen(host, port)
    on_listening(address_of(host, sockets))
    if mode == "required":
        # The workers of this process and their children read it there.
        os.environ["ASSAY_AUTH"] = mode
        settings.cache_clear()
    logs.configure()
    stopping.clear()
    for number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again when it has ended; by then there is nothing to do.
        signal.signal(number, lambda *_: stopping.set())
    config = uvicorn.Config(
        partial(create_app, warm=True),
        factory=True,
        # The other parser of uvicorn takes headers of any length into memory, from anyone.
        http="h11",
        h11_max_incomplete_event_size=MOST_HEAD_BYTES,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings().shutdown_seconds,
    )
    port = sockets[0].getsockname()[1]
    structlog.get_logger("assay").info("starting", host=host, port=port, auth=mode)
    Server(config).run(sockets)
    structlog.get_logger("assay").info("stopped")

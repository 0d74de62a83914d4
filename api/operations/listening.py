"""The sockets on which the service listens, opened before anything slow is started."""

from __future__ import annotations

import errno
import socket

from assay.errors import ConfigurationError

BACKLOG = 2048  # as uvicorn's; the system may hold fewer

_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)  # `::1` on a machine without IPv6

_REASONS = {
    errno.EADDRINUSE: (
        "port {port} is already in use",
        "choose another with --port; --port 0 takes a free one",
    ),
    errno.EACCES: (
        "port {port} may not be used by this user",
        "choose one above 1023 with --port",
    ),
    errno.EADDRNOTAVAIL: (
        "{host} is not an address of this machine",
        "choose one that is with --host",
    ),
}


def listen(host: str, port: int) -> list[socket.socket]:
    """Open every address that a host name stands for; requests wait there until they are served.

    Args:
        port: 0 takes a free one, the same for every address.

    Raises:
        ConfigurationError: nothing can listen there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigurationError(
            f"{host} is not an address of this machine", advice="try --host 127.0.0.1"
        ) from error
    opened: list[socket.socket] = []
    failure: OSError | None = None
    for family, _, _, _, address in dict.fromkeys(found):
        chosen = opened[0].getsockname()[1] if opened else address[1]
        try:
            opened.append(
                socket.create_server(
                    (address[0], chosen, *address[2:]), family=family, backlog=BACKLOG
                )
            )
        except OSError as error:
            failure = error
            if error.errno not in _NOT_HERE:
                break
    if failure is not None and (not opened or failure.errno not in _NOT_HERE):
        for each in opened:
            each.close()
        told, advice = _REASONS.get(failure.errno or 0, (f"{{host}}: {failure.strerror}", ""))
        raise ConfigurationError(
            told.format(host=host, port=port), advice=advice or None
        ) from failure
    return opened


def address_of(host: str, opened: list[socket.socket]) -> str:
    """The address to type into a browser."""
    named = f"[{host}]" if ":" in host else host
    return f"http://{named}:{opened[0].getsockname()[1]}"

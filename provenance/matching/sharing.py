"""One opened registry for each place, kept by the process.

Opening a registry reads its index. A service, or a command over many files, asks again and
again; it does so on one opened registry. Each search first takes in what others committed, so
an opened registry is never behind the tables.
"""

from __future__ import annotations

import atexit
import os
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from sqlalchemy.engine import URL

from assay.provenance.matching import database
from assay.provenance.matching.registry import Registry

MOST_OPEN = 4  # places at once; the one that was not asked for longest is closed

Identity = tuple[int, int] | None


@dataclass(frozen=True)
class _Opened:
    registry: Registry
    identity: Identity


_lock = Lock()
_opened: OrderedDict[str, _Opened] = OrderedDict()


def shared_registry(path_or_url: str | os.PathLike[str]) -> Registry | None:
    """The registry at this place, or None where there is none; it is not the caller's to close.

    A file that was removed or replaced since is noticed.

    Raises:
        RegistryUnusable: it cannot be opened.
    """
    url = database.locate(path_or_url)
    place = url.render_as_string(hide_password=False)
    with _lock:
        known, identity = _opened.pop(place, None), _identity(url)
        if known is not None and known.identity == identity:
            _opened[place] = known
            return known.registry
        if known is not None:
            known.registry.close()
        registry = Registry.open_existing(path_or_url)
        if registry is not None:
            _opened[place] = _Opened(registry, _identity(url))
        while len(_opened) > MOST_OPEN:
            _, oldest = _opened.popitem(last=False)
            oldest.registry.close()
        return registry


def close_shared() -> None:
    """Close every shared registry."""
    with _lock:
        while _opened:
            _opened.popitem()[1].registry.close()


def _identity(url: URL) -> Identity:
    """Which file has this name now; its number is not given away while it is open here."""
    if url.get_backend_name() != "sqlite":
        return None
    try:
        status = os.stat(str(url.database))
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _forget() -> None:
    """A forked process must not use its parent's connections, nor wait for its lock."""
    global _lock
    _lock = Lock()
    for known in _opened.values():
        known.registry.abandon()
    _opened.clear()


os.register_at_fork(after_in_child=_forget)
atexit.register(close_shared)

"""A server on this machine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..loopback import Loopback, serve

PUBLIC = "93.184.215.14"


@pytest.fixture
def server() -> Iterator[Loopback]:
    with serve() as running:
        running.pages["/"] = (200, {"Content-Type": "image/png"}, b"picture")
        yield running

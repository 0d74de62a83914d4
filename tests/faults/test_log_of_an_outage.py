"""A database that is away for an hour does not fill the disk with what the queue says about it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator

import pytest

from assay.api.jobs.seldom import Seldom


@pytest.fixture
def logger(caplog: pytest.LogCaptureFixture) -> Iterator[logging.Logger]:
    found = logging.getLogger("tests.outage")
    seldom = Seldom(0.2)
    found.addFilter(seldom)
    yield found
    found.removeFilter(seldom)


def test_told_now_and_then(logger: logging.Logger, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(50):
        logger.warning("the queue cannot be read: %s", f"attempt {number}")
    logger.warning("something else: once")
    time.sleep(0.25)
    logger.warning("the queue cannot be read: still")
    logger.warning("the queue cannot be read: still")
    assert caplog.messages == [
        "the queue cannot be read: attempt 0",
        "something else: once",
        "the queue cannot be read: still (49 more of these meanwhile)",
    ]


def test_kinds_are_not_kept_forever(
    logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(250):
        logger.warning("job %d failed: %s", number, "cause")
    assert len(caplog.messages) == 250
    [seldom] = [each for each in logger.filters if isinstance(each, Seldom)]
    assert len(seldom._told) <= 100

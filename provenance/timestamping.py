"""What happens when the time stamp authority does not answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from assay.errors import MarkFailed
from assay.settings import settings

T = TypeVar("T")


class TimestampUnavailable(MarkFailed):
    """The time stamp authority gives no time stamp, so nothing was signed."""

    code = "timestamp-unavailable"


ATTEMPTS = 3
WAITS = (0.5, 2.0)
"""Seconds before the second and third attempt: public authorities shed load for moments."""

_log = logging.getLogger(__name__)


def with_policy(attempt: Callable[[bool], T], *, has_authority: bool) -> T:
    """Sign, asking the authority up to three times, then as `timestamp_policy` says.

    A time stamp is what keeps a signature acceptable after its certificate expired; signing
    without one is therefore a choice of the operator (`prefer`), never a silent fallback.

    Args:
        attempt: signs; its argument says whether to ask for a time stamp.
        has_authority: whether there is an authority to ask.

    Raises:
        TimestampUnavailable: the authority gave none and the policy is `require`.
    """
    if not has_authority:
        return attempt(False)
    import c2pa

    for index in range(ATTEMPTS):
        try:
            return attempt(True)
        except c2pa.C2paError as error:
            if not _is_timestamp_failure(error):
                raise
            failure = error
        if index < len(WAITS):
            time.sleep(WAITS[index])
    if settings().timestamp_policy == "prefer":
        _log.warning("signed without a time stamp: %s", failure)
        return attempt(False)
    raise TimestampUnavailable(
        f"the time stamp authority failed {ATTEMPTS} times: {failure}",
        advice="try again later; ASSAY_TIMESTAMP_POLICY=prefer signs without a time stamp",
    ) from failure


def _is_timestamp_failure(error: Exception) -> bool:
    """The library has no type for it; these words are its own.

    Nothing else of a signing context may use the network, so HTTP means the authority.
    """
    text = str(error).lower()
    return any(word in text for word in ("http", "timestamp", "time stamp", "time-stamp"))

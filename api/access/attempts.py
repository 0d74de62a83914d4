"""A brake on guessing: failed attempts of one address."""

from __future__ import annotations

from functools import cache

from limits import RateLimitItem, parse
from limits.strategies import FixedWindowRateLimiter

from assay.api.access.errors import TooManyAttempts
from assay.api.counting import Counter
from assay.errors import ConfigurationError
from assay.settings import settings

_failures = Counter(FixedWindowRateLimiter, "wrong-key")


def limit_of(name: str) -> RateLimitItem:
    """The limit that a setting holds, such as `600/minute`.

    Raises:
        ConfigurationError: it holds none.
    """
    return _limit(name, getattr(settings(), name))


@cache
def _limit(name: str, text: str) -> RateLimitItem:
    try:
        return parse(text)
    except ValueError as error:
        raise ConfigurationError(
            f"ASSAY_{name.upper()}: {text!r} is not a limit", advice="write it as 600/minute"
        ) from error


def refuse_if_too_many(address: str) -> None:
    """Let an address pass until it has failed too often.

    Raises:
        TooManyAttempts: more failures than the setting `wrong_keys` allows.
    """
    limit = limit_of("wrong_keys")
    if not _failures.test(limit, address):
        raise TooManyAttempts("too many keys that are not valid", seconds=limit.get_expiry())


def note_failure(address: str) -> None:
    """Count a key that is not valid."""
    _failures.hit(limit_of("wrong_keys"), address)


def forget() -> None:
    """Start to count anew."""
    _failures.forget()

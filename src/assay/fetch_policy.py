"""Which addresses may be asked: from a URL that nobody vouches for to what was checked.

A host name is resolved once, and every address it has must be public unless its name is exempt.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable

import httpx

from assay.addresses import is_public
from assay.errors import FetchFailed, FetchRefused
from assay.pinning import in_time, system_resolver
from assay.settings import settings

Resolver = Callable[[str, int], Iterable[str]]
"""From host name and port to IP addresses as text; raises OSError when there are none."""

PORTS = frozenset({80, 443, 8080, 8443})
"""Where web servers listen; other ports belong to services that can be confused by HTTP."""
MAX_URL = 8000
"""Characters; what servers are advised to accept (RFC 9110, 4.1)."""

_LOOKS_NUMERIC = re.compile(r"(?:^|\.)(?:[0-9]+|0[xX][0-9a-fA-F]*)\.?$")
"""A last label that is a number makes the whole name an IPv4 address (URL standard, 3.5)."""
_DOTTED_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")


class Policy:
    """Which addresses may be asked, until when, and with which certificates.

    Args:
        allow: host names, each alone or as `host:port`, that may be private and use any port;
            default the setting `fetch_allowed_hosts`.
        resolve: default the system's resolver.
        tls: default: certificates of the system or of certifi, host names verified.
        deadline: on the monotonic clock, seconds.
    """

    def __init__(
        self,
        allow: Iterable[str] | None,
        resolve: Resolver | None,
        tls: ssl.SSLContext | None,
        deadline: float,
    ) -> None:
        self.allowed = frozenset(
            name.lower() for name in (settings().fetch_allowed_hosts if allow is None else allow)
        )
        self.resolve = resolve or system_resolver
        self.tls = tls
        self.deadline = deadline

    def addresses(self, url: httpx.URL) -> list[str]:
        """Where to connect for this URL.

        Raises:
            FetchRefused: not allowed; the message does not say what the name resolves to.
            FetchFailed: the name does not resolve in time.
        """
        host, port = url.host, port_of(url)
        named = f"[{host}]" if ":" in host else host
        exempt = bool({named, f"{named}:{port}"} & self.allowed)
        if not exempt and port not in PORTS:
            raise FetchRefused(f"{shown(url)}: port {port} is not one of a web server")
        if _LOOKS_NUMERIC.search(host) and not _DOTTED_QUAD.fullmatch(host):
            raise FetchRefused(f"{shown(url)}: an IP address in an unusual form")
        try:
            found = in_time(lambda: list(self.resolve(host, port)), self.deadline)
            public = bool(found) and all(is_public(address) for address in found)
        except (OSError, UnicodeError, ValueError) as error:
            raise FetchFailed(f"{shown(url)}: the host name does not resolve") from error
        if not found:
            raise FetchFailed(f"{shown(url)}: the host name does not resolve")
        if not exempt and not public:
            raise FetchRefused(
                f"{shown(url)}: not on the public Internet",
                advice=f"if it may be asked, add {named} to ASSAY_FETCH_ALLOWED_HOSTS",
            )
        return found


def parse_url(url: str) -> httpx.URL:
    """A URL that may be looked at further.

    Raises:
        FetchRefused: it is none, or has another scheme or a user name.
    """
    if len(url) > MAX_URL:
        raise FetchRefused(f"{url[:80]}...: longer than {MAX_URL} characters")
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRefused(f"{url[:200]!r}: not a URL") from error
    if parsed.scheme not in ("http", "https"):
        raise FetchRefused(f"{url[:200]!r}: only http and https URLs are fetched")
    if not parsed.host or "%" in parsed.host:
        raise FetchRefused(f"{url[:200]!r}: names no host")
    if parsed.userinfo:
        raise FetchRefused(f"{shown(parsed)}: carries a user name or password")
    return parsed


def follow(url: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads.

    Raises:
        FetchRefused: as `parse_url`, or from https to http.
    """
    try:
        target = parse_url(str(url.join(location)))
    except (httpx.InvalidURL, ValueError) as error:
        raise FetchRefused(f"{shown(url)}: redirects to something that is no URL") from error
    if url.scheme == "https" and target.scheme == "http":
        raise FetchRefused(f"{shown(url)}: redirects from https to http")
    return target


def port_of(url: httpx.URL) -> int:
    """The port, also where the URL leaves it to the scheme."""
    return url.port or (443 if url.scheme == "https" else 80)


def shown(url: httpx.URL) -> str:
    """A URL for messages: query strings and passwords hold secrets."""
    return f"{url.scheme}://{url.netloc.decode('ascii', 'replace')}{url.path}"[:200]

"""When a request needs no key: a person at this very machine.

A service on loopback is open to whoever uses the machine, and no one else: not to a proxy that
carries strangers, not to a web page that points a name of its own at 127.0.0.1 (DNS
rebinding), and not to a form on another site.
"""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from assay.api.access.errors import CrossSiteRequest
from assay.settings import settings

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip")


def is_loopback(host: str) -> bool:
    """Whether an address or name is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def anonymous_may_call(request: HTTPConnection) -> bool:
    """Whether `ASSAY_AUTH` lets this request pass without a key."""
    mode = settings().auth
    server = request.scope.get("server")
    if mode == "required" or server is None or not is_loopback(str(server[0])):
        return False
    if mode == "off":
        return True
    return (
        request.client is not None
        and is_loopback(request.client.host)
        and not any(name in request.headers for name in _FORWARDED)
        and is_loopback(_host_of(request.headers.get("host", "")))
    )


def refuse_cross_site(request: HTTPConnection) -> None:
    """Refuse a change that a page of another site asks for in a person's name.

    Raises:
        CrossSiteRequest: the browser says that the request is not from our own page.
    """
    if request.scope["method"] in SAFE_METHODS:
        return
    origin = request.headers.get("origin")
    if origin is not None:
        own = urlsplit(origin).netloc == request.headers.get("host")
        if own or origin in settings().cors_origins:
            return
    elif request.headers.get("sec-fetch-site", "none") in ("none", "same-origin"):
        return
    raise CrossSiteRequest(
        "the request comes from a page of another site",
        advice="call with an API key, or name the site in ASSAY_CORS_ORIGINS",
    )


def _host_of(header: str) -> str:
    return urlsplit(f"//{header}").hostname or ""

"""The one way Assay asks a server for anything: a client that cannot be turned inwards.

A URL that comes from a user, a file or a redirect may point at the machine itself, at its
network, or at the metadata service of its cloud. So a host name is resolved once, every
address it has must be public, and the connection goes to the address that was checked:
there is no second look-up for an attacker's name server to answer differently. Names in
`fetch_allowed_hosts` are exempt. Environment proxies are not used, there are no cookies, and
size and total time are bounded, name resolution and a server that drips included.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import httpcore
import httpx

from assay.errors import FetchFailed, FetchRefused, LimitExceeded
from assay.fetch_policy import Policy, Resolver, follow, parse_url, shown
from assay.pinning import PinnedBackend
from assay.settings import settings
from assay.version import __version__

SECONDS = 30.0
"""For a whole exchange, all redirects included."""
MAX_REDIRECTS = 5
POST_ANSWER_BYTES = 65_536

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True)
class Fetched:
    """An answer.

    Attributes:
        data: the body.
        final_url: where it came from, after redirects.
        content_type: as the server claims; None when it claims nothing.
        status: HTTP status.
        headers: of the answer, names in lower case.
    """

    data: bytes = field(repr=False)
    final_url: str
    content_type: str | None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def fetch(
    url: str,
    *,
    max_bytes: int | None = None,
    timeout: float = SECONDS,
    allow: Iterable[str] | None = None,
    headers: Mapping[str, str] | None = None,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """GET a URL that nobody vouches for.

    Args:
        url: http or https, no user name.
        max_bytes: of the body; default the limit on the size of media.
        timeout: seconds for everything together.
        allow: host names, each alone or as `host:port`, that may be private and use any
            port; default the setting `fetch_allowed_hosts`.
        headers: to send, such as Accept; the first server alone gets them.
        resolve: default the system's resolver.
        tls: default: certificates of the system or of certifi, host names verified.

    Raises:
        FetchRefused: the URL, or one it redirects to, may not be asked. No request was sent
            there.
        FetchFailed: no answer, an error status, or out of time.
        LimitExceeded: the body is over `max_bytes`.
    """
    if max_bytes is None:
        max_bytes = settings().limits.max_bytes
    deadline = time.monotonic() + timeout
    policy = Policy(allow, resolve, tls, deadline)
    target, sent = parse_url(url), dict(headers or {})
    for _ in range(MAX_REDIRECTS + 1):
        answer = _exchange("GET", target, sent, None, policy, max_bytes)
        if 200 <= answer.status < 300:
            return answer
        if answer.status not in _REDIRECTS or "location" not in answer.headers:
            raise FetchFailed(f"{shown(target)}: answered with status {answer.status}")
        target, sent = follow(target, answer.headers["location"]), {}
    raise FetchRefused(f"{url[:200]}: redirects more than {MAX_REDIRECTS} times")


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    max_bytes: int = POST_ANSWER_BYTES,
    timeout: float = SECONDS,
    allow: Iterable[str] | None = None,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> Fetched:
    """POST to a URL that nobody vouches for; a redirect is an answer and is not followed.

    Args:
        url, timeout, allow, resolve, tls: as `fetch`.
        body: what to send.
        headers: to send, Content-Type among them.
        max_bytes: of the answer; what is beyond is left unread.

    Returns:
        The answer, whatever its status.

    Raises:
        FetchRefused, FetchFailed: as `fetch`.
    """
    policy = Policy(allow, resolve, tls, time.monotonic() + timeout)
    return _exchange("POST", parse_url(url), headers, body, policy, max_bytes)


def check(
    url: str,
    *,
    timeout: float = SECONDS,
    allow: Iterable[str] | None = None,
    resolve: Resolver | None = None,
) -> None:
    """Refuse what `post` would refuse, without connecting: for addresses that are kept.

    Args:
        url, timeout, allow, resolve: as `fetch`.

    Raises:
        FetchRefused, FetchFailed: as `fetch`.
    """
    Policy(allow, resolve, None, time.monotonic() + timeout).addresses(parse_url(url))


def _exchange(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    body: bytes | None,
    policy: Policy,
    max_bytes: int,
) -> Fetched:
    """One request and its answer; to a GET, the body only where it is wanted."""
    backend = PinnedBackend(policy.addresses(url), policy.deadline)
    tls = policy.tls or (httpx.create_ssl_context() if url.scheme == "https" else None)
    target = httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )
    sent = {
        "User-Agent": f"assay/{__version__}",
        "Accept": "*/*",
        **headers,
        "Host": url.netloc.decode("ascii"),
        # A compressed body could be small to send and huge to hold.
        "Accept-Encoding": "identity",
        "Connection": "close",
    }
    try:
        with (
            httpcore.ConnectionPool(ssl_context=tls, network_backend=backend) as pool,
            pool.stream(method, target, headers=list(sent.items()), content=body) as response,
        ):
            received = {
                name.decode("latin-1").lower(): value.decode("latin-1")
                for name, value in response.headers
            }
            data = b""
            if method == "POST":
                data = _beginning(response, max_bytes)
            elif 200 <= response.status < 300:
                data = _whole(response, received, url, max_bytes)
    except httpcore.TimeoutException as error:
        raise FetchFailed(f"{shown(url)}: out of time") from error
    except (httpcore.NetworkError, httpcore.ProtocolError) as error:
        why = "no secure connection" if _is_about_tls(error) else "no usable answer"
        raise FetchFailed(f"{shown(url)}: {why}") from error
    return Fetched(data, str(url), received.get("content-type"), response.status, received)


def _whole(
    response: httpcore.Response, headers: Mapping[str, str], url: httpx.URL, max_bytes: int
) -> bytes:
    """The body, read no further than the limit."""
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed(f"{shown(url)}: answered compressed, which was not asked for")
    claimed = headers.get("content-length", "")
    if claimed.isdigit() and int(claimed) > max_bytes:
        raise LimitExceeded(f"{shown(url)}: {int(claimed):,} bytes, the limit is {max_bytes:,}")
    data = _beginning(response, max_bytes + 1)
    if len(data) > max_bytes:
        raise LimitExceeded(f"{shown(url)}: over {max_bytes:,} bytes")
    return data


def _beginning(response: httpcore.Response, size: int) -> bytes:
    received = bytearray()
    for chunk in response.iter_stream():
        received += chunk
        if len(received) >= size:
            break
    return bytes(received[:size])


def _is_about_tls(error: BaseException) -> bool:
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False

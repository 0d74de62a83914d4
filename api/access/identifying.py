"""From the headers of a request to its caller."""

from __future__ import annotations

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from starlette.requests import HTTPConnection

from assay.api.access import attempts, sessions
from assay.api.access.anonymous import anonymous_may_call, refuse_cross_site
from assay.api.access.callers import ANONYMOUS, Caller
from assay.api.access.errors import Unauthenticated
from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.settings import settings

# Threads of their own: a service that is busy examining still knows its callers, and wrong
# keys never cost more memory than this many argon2 hashes.
_AT_ONCE = 4
_threads: RunVar[CapacityLimiter] = RunVar("assay-access-threads")
_KEY = "assay.caller"


async def identify(request: HTTPConnection) -> Caller | None:
    """Who calls; None when nobody said so and this service asks.

    Raises:
        Unauthenticated: a key, token or session was sent and is not valid.
        TooManyAttempts: this address sent too many of them.
        CrossSiteRequest: a browser sent the request for a page of another site.
        IssuerUnreachable: a token cannot be checked now.
    """
    if _KEY not in request.scope:
        request.scope[_KEY] = await _identify(request)
    caller: Caller | None = request.scope[_KEY]
    return caller


async def _identify(request: HTTPConnection) -> Caller | None:
    credential = _bearer(request)
    if credential is not None:
        return await to_thread.run_sync(
            _recognise, credential, address_of(request), limiter=limiter()
        )
    cookie = sessions.cookie_of(request)
    if cookie is not None:
        person = await to_thread.run_sync(_person, cookie, limiter=limiter())
        if person is not None:
            refuse_cross_site(request)
            return person
    if anonymous_may_call(request):
        refuse_cross_site(request)
        return ANONYMOUS
    return None


def _recognise(credential: str, address: str) -> Caller:
    keys = KeyStore(open_database())
    key = keys.recognise(credential, remembered=True)
    if key is not None:  # a good key is not held up by others who guess from its address
        return key.caller()
    attempts.refuse_if_too_many(address)
    if credential.count(".") == 2 and settings().oidc_issuer:
        from assay.api.access import oidc

        caller = oidc.verifier().caller(credential)
    else:
        key = keys.recognise(credential)
        caller = key.caller() if key else None
    if caller is None:
        attempts.note_failure(address)
        raise Unauthenticated("the API key or token is not valid")
    return caller


def _person(cookie: str) -> Caller | None:
    return sessions.SessionStore(open_database()).caller(cookie)


def _bearer(request: HTTPConnection) -> str | None:
    """The credential of the Authorization header.

    Raises:
        Unauthenticated: the header is there and has another form.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, credential = header.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise Unauthenticated(
            "the Authorization header is not understood", advice="send `Bearer` and an API key"
        )
    return credential.strip()


def address_of(request: HTTPConnection) -> str:
    """Where the request comes from, as far as attempts are counted."""
    return request.client.host if request.client else "unknown"


def limiter() -> CapacityLimiter:
    """The threads in which it is found out who calls, and how often."""
    try:
        return _threads.get()
    except LookupError:
        _threads.set(CapacityLimiter(_AT_ONCE))
        return _threads.get()

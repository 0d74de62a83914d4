"""People who signed in on the page with an API key: a cookie, and a token for their forms."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from datetime import timedelta

import sqlalchemy as sa
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from assay.api.access.anonymous import SAFE_METHODS
from assay.api.access.callers import Caller
from assay.api.access.errors import CrossSiteRequest
from assay.api.access.keys import ApiKey, KeyStore
from assay.api.access.schema import sessions

_COOKIE = "assay_session"
LASTS = timedelta(hours=12)  # one working day
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf_token"


class SessionStore:
    """The sessions of one service database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def start(self, key: ApiKey) -> str:
        """A new session; the text of its cookie, of which only a hash is kept."""
        token = secrets.token_urlsafe(32)
        now = time.time()
        row = {
            "token_hash": hashed(token),
            "key_id": key.id,
            "created": now,
            "expires": now + LASTS.total_seconds(),
        }
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.expires < now))
            connection.execute(sessions.insert(), row)
        return token

    def caller(self, token: str) -> Caller | None:
        """Who has this cookie; None when it is over or its key is."""
        query = sa.select(sessions).where(sessions.c.token_hash == hashed(token))
        with self._engine.connect() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or row["expires"] <= time.time():
            return None
        key = KeyStore(self._engine).get(row["key_id"])
        return key.caller(session=row["token_hash"]) if key.active else None

    def end(self, token: str) -> None:
        """Sign out."""
        with self._engine.begin() as connection:
            connection.execute(sessions.delete().where(sessions.c.token_hash == hashed(token)))


def hashed(token: str) -> str:
    """What is kept of a cookie."""
    return hashlib.sha256(token.encode()).hexdigest()


def cookie_name(request: HTTPConnection) -> str:
    """Over TLS a name that browsers let no other host, such as a neighbour's, set (RFC 6265bis)."""
    return f"__Host-{_COOKIE}" if _is_over_tls(request) else _COOKIE


def cookie_of(request: HTTPConnection) -> str | None:
    """The text of the session cookie."""
    return request.cookies.get(cookie_name(request))


def set_cookie(request: Request, response: Response, token: str) -> None:
    """Give a browser its session; other sites never make it send the cookie."""
    response.set_cookie(
        cookie_name(request),
        token,
        max_age=int(LASTS.total_seconds()),
        httponly=True,
        samesite="strict",
        secure=_is_over_tls(request),
    )


def delete_cookie(request: Request, response: Response) -> None:
    """Take it back."""
    response.delete_cookie(
        cookie_name(request), secure=_is_over_tls(request), httponly=True, samesite="strict"
    )


def csrf_token(request: HTTPConnection) -> str:
    """What a form of this person must carry in `csrf_token`; empty without a session."""
    cookie = cookie_of(request)
    if cookie is None:
        return ""
    return hmac.new(cookie.encode(), b"assay form", hashlib.sha256).hexdigest()


async def refuse_forged(request: Request, caller: Caller) -> None:
    """Refuse a change in a person's name that does not carry the token of our own pages.

    Raises:
        CrossSiteRequest: the token is missing or another session's.
    """
    if caller.session is None or request.method in SAFE_METHODS:
        return
    sent = request.headers.get(CSRF_HEADER)
    if sent is None:
        sent = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest(sent.encode(), csrf_token(request).encode()):
        raise CrossSiteRequest(
            "the form has no valid token", advice="load the page again and repeat"
        )


def _is_over_tls(request: HTTPConnection) -> bool:
    return bool(request.scope.get("scheme") == "https")

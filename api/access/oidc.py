"""Tokens of an OpenID Connect issuer: signed JWTs, checked against the issuer's own keys.

Only asymmetric signatures are accepted, so that a token signed with a published key as an HMAC
secret, or with none, is refused (RFC 8725, sections 2.1 and 3.1). Keys come from the issuer of
the settings alone, never from what a token names.
"""

from __future__ import annotations

import json
import threading
import time
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

import httpx
import structlog
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from assay.api.access.anonymous import is_loopback
from assay.api.access.callers import SCOPES, Caller
from assay.api.access.errors import IssuerUnreachable
from assay.errors import ConfigurationError
from assay.settings import settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
LEEWAY_SECONDS = 60  # between two clocks
KEYS_KEPT_SECONDS = 3600.0
KEYS_TRUSTED_SECONDS = 86_400.0  # for as long the keys are used while the issuer is down
RETRY_SECONDS = 5.0
# An issuer rotates keys; a stranger may name keys that never were. Ask no more often than this.
ASK_AGAIN_SECONDS = 30.0
LONGEST_TOKEN = 16_384
LONGEST_ANSWER = 1_000_000
PREFIX = "assay:"
_TIMEOUT = httpx.Timeout(10.0)


class TokenVerifier:
    """Checks the tokens of one issuer for one audience."""

    def __init__(
        self, issuer: str, audience: str, *, scope_claim: str, jwks_url: str | None = None
    ) -> None:
        self._issuer = issuer
        self._audience = audience
        self._scope_claim = scope_claim
        self._jwks_url = jwks_url
        self._lock = threading.Lock()
        self._keys: KeySet | None = None
        self._asked = self._fetched = float("-inf")

    def caller(self, token: str) -> Caller | None:
        """Who has this token; None when it is not valid here.

        Raises:
            IssuerUnreachable: the issuer's keys cannot be fetched.
            ConfigurationError: the issuer's addresses cannot be used.
        """
        if len(token) > LONGEST_TOKEN:
            return None
        claims = self._verified(token, self._current())
        if claims is None and self._may_ask_again():
            claims = self._verified(token, self._current(renew=True))
        return None if claims is None else self._known(claims)

    def _verified(self, token: str, keys: KeySet) -> dict[str, Any] | None:
        try:
            decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
            jwt.JWTClaimsRegistry(
                leeway=LEEWAY_SECONDS,
                iss={"essential": True, "value": self._issuer},
                aud={"essential": True, "value": self._audience},
                exp={"essential": True},
                sub={"essential": True},
            ).validate(decoded.claims)
        except (JoseError, ValueError):
            return None
        return dict(decoded.claims)

    def _known(self, claims: dict[str, Any]) -> Caller | None:
        subject = claims["sub"]
        if not isinstance(subject, str) or not subject.isprintable() or len(subject) > 190:
            return None
        listed = claims.get(self._scope_claim, ())
        words = listed.split() if isinstance(listed, str) else listed
        if not isinstance(words, list | tuple):
            return None
        named = {str(word).removeprefix(PREFIX) for word in words}
        return Caller(f"oidc:{subject}", frozenset(scope for scope in SCOPES if scope in named))

    def _current(self, *, renew: bool = False) -> KeySet:
        with self._lock:
            now = time.monotonic()
            old = now - self._asked > KEYS_KEPT_SECONDS
            if renew or old or (self._keys is None and now - self._asked > RETRY_SECONDS):
                self._asked = now
                self._renew(now)
            if self._keys is None or now - self._fetched > KEYS_TRUSTED_SECONDS:
                raise IssuerUnreachable("the OpenID Connect issuer does not answer", seconds=30)
            return self._keys

    def _renew(self, now: float) -> None:
        try:
            self._keys = self._fetch()
        except IssuerUnreachable as error:
            log = structlog.get_logger("assay.access")
            log.warning("keys of the issuer not renewed", detail=error.message)
        else:
            self._fetched = now

    def _may_ask_again(self) -> bool:
        """Whether a token that does not fit may be signed with a key that is new."""
        with self._lock:
            return time.monotonic() - self._asked > ASK_AGAIN_SECONDS

    def _fetch(self) -> KeySet:
        try:
            keys = KeySet.import_key_set(cast(Any, _get_json(self._keys_address())))
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise IssuerUnreachable(
                "the issuer's keys are not readable", seconds=int(ASK_AGAIN_SECONDS)
            ) from error
        return keys

    def _keys_address(self) -> str:
        """Where the keys are: as set, or as the issuer's discovery document says."""
        if self._jwks_url:
            return self._jwks_url
        found = _get_json(self._issuer.rstrip("/") + "/.well-known/openid-configuration")
        address = str(found.get("jwks_uri", ""))
        if found.get("issuer") != self._issuer or _origin(address) != _origin(self._issuer):
            raise ConfigurationError(
                f"the issuer's discovery document names {address!r}",
                advice="when its keys are on another host, set ASSAY_OIDC_JWKS_URL",
            )
        return address


@cache
def _verifier(issuer: str, audience: str, claim: str, jwks_url: str | None) -> TokenVerifier:
    return TokenVerifier(issuer, audience, scope_claim=claim, jwks_url=jwks_url)


def verifier() -> TokenVerifier:
    """The verifier of the settings.

    Raises:
        ConfigurationError: issuer or audience is not set.
    """
    chosen = settings()
    if not chosen.oidc_issuer or not chosen.oidc_audience:
        raise ConfigurationError("ASSAY_OIDC_ISSUER and ASSAY_OIDC_AUDIENCE go together")
    return _verifier(
        chosen.oidc_issuer, chosen.oidc_audience, chosen.oidc_scope_claim, chosen.oidc_jwks_url
    )


def _get_json(address: str) -> dict[str, Any]:
    """One JSON object from the issuer: no redirects, no proxies of the environment, a size limit.

    The issuer is the operator's choice and may well be on an intranet.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(parts.hostname or "")
    ):
        raise ConfigurationError(f"{address}: keys of an issuer are fetched by https only")
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, trust_env=False) as client,
            client.stream("GET", address) as response,
        ):
            response.raise_for_status()
            data = b""
            for piece in response.iter_bytes():
                data += piece
                if len(data) > LONGEST_ANSWER:
                    raise ValueError("the answer is too long")
        found = json.loads(data)
    except (httpx.HTTPError, ValueError) as error:
        raise IssuerUnreachable(
            "the OpenID Connect issuer does not answer", seconds=int(ASK_AGAIN_SECONDS)
        ) from error
    if not isinstance(found, dict):
        raise IssuerUnreachable(
            "the OpenID Connect issuer answers nonsense", seconds=int(ASK_AGAIN_SECONDS)
        )
    return found


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme, parts.netloc

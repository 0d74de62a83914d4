"""Tokens of an OpenID Connect issuer: a real issuer on loopback, and those who imitate it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import time_machine
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from assay.api.access import oidc
from assay.api.access.binding import check_bind
from assay.api.access.errors import IssuerUnreachable
from assay.errors import ConfigurationError
from assay.settings import settings
from tests.api.small_app import calling, small_app
from tests.loopback import Loopback, serve

AUDIENCE = "assay"
Key = RSAKey | ECKey | OKPKey | OctKey


class Issuer:
    """An issuer with one RSA key, which it can exchange."""

    def __init__(self, server: Loopback) -> None:
        self.server = server
        self.url = server.url("/realm", host="127.0.0.1")
        self.key: Key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
        self.publish(self.key)

    def publish(self, *keys: Key, jwks_uri: str | None = None) -> None:
        document = {"issuer": self.url, "jwks_uri": jwks_uri or self.url + "/keys"}
        self.serve("/realm/.well-known/openid-configuration", document)
        self.serve("/realm/keys", KeySet(list(keys)).as_dict(private=False))

    def serve(self, path: str, document: Any) -> None:
        body = json.dumps(document).encode()
        self.server.pages[path] = (200, {"Content-Type": "application/json"}, body)

    def token(
        self,
        *,
        key: Key | None = None,
        alg: str = "RS256",
        header: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """A token that is right, but for what is given; a claim of None is left out."""
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "ana",
            "iat": now,
            "exp": now + 300,
            "scope": "openid verify assay:sign",
            **claims,
        }
        key = key or self.key
        return jwt.encode(
            {"alg": alg, "kid": key.kid, **(header or {})},
            {name: value for name, value in told.items() if value is not None},
            key,
            algorithms=[alg],
        )

    @property
    def fetches(self) -> int:
        return sum(path == "/realm/keys" for _, path, _ in self.server.seen)


@pytest.fixture
def issuer(monkeypatch: pytest.MonkeyPatch) -> Iterator[Issuer]:
    with serve() as server:
        made = Issuer(server)
        monkeypatch.setenv("ASSAY_OIDC_ISSUER", made.url)
        monkeypatch.setenv("ASSAY_OIDC_AUDIENCE", AUDIENCE)
        settings.cache_clear()
        oidc._verifier.cache_clear()
        yield made


def caller(token: str) -> Any:
    return oidc.verifier().caller(token)


def test_a_token_says_who_calls_and_what_they_may_do(issuer: Issuer) -> None:
    found = caller(issuer.token())
    assert found.id == "oidc:ana"
    assert found.scopes == {"verify", "sign"}
    assert not found.sees_all


def test_over_http(issuer: Issuer) -> None:
    with calling(small_app(), key=issuer.token()) as client:
        assert client.get("/v1/caller").json() == {"id": "oidc:ana", "scopes": ["sign", "verify"]}
        assert client.get("/v1/keys").status_code == 403
    with calling(small_app(), key=issuer.token(aud="another")) as client:
        assert client.get("/v1/caller").status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"aud": None},
        {"iss": "http://127.0.0.1:1/realm"},
        {"iss": None},
        {"exp": int(time.time()) - 3600},
        {"exp": None},
        {"nbf": int(time.time()) + 3600},
        {"sub": None},
        {"sub": "ana\nroot"},
        {"sub": 7},
        {"scope": {"verify": True}},
    ],
)
def test_claims_that_are_wrong(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert caller(issuer.token(**claims)) is None


def test_one_of_several_audiences(issuer: Issuer) -> None:
    assert caller(issuer.token(aud=["another", AUDIENCE])) is not None


def test_a_token_expires(issuer: Issuer) -> None:
    token = issuer.token()
    with time_machine.travel(time.time() + 300 + oidc.LEEWAY_SECONDS - 5, tick=False):
        assert caller(token) is not None
    with time_machine.travel(time.time() + 300 + oidc.LEEWAY_SECONDS + 5, tick=False):
        assert caller(token) is None


def test_no_scopes(issuer: Issuer) -> None:
    assert caller(issuer.token(scope=None)).scopes == frozenset()
    assert caller(issuer.token(scope="openid profile")).scopes == frozenset()


def test_scopes_in_another_claim(issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_OIDC_SCOPE_CLAIM", "roles")
    settings.cache_clear()
    assert caller(issuer.token(roles=["assay:admin", "other"])).scopes == {"admin"}


class TestForgeries:
    def test_a_key_of_someone_else(self, issuer: Issuer) -> None:
        stranger = RSAKey.generate_key(2048, {"kid": "one"})
        assert caller(issuer.token(key=stranger)) is None

    def test_changed_claims(self, issuer: Issuer) -> None:
        head, _, signature = issuer.token().split(".")
        _, body, _ = issuer.token(scope="admin").split(".")
        assert caller(f"{head}.{body}.{signature}") is None

    def test_alg_none(self, issuer: Issuer) -> None:
        from base64 import urlsafe_b64encode

        for alg in ("none", "None", "NONE"):
            head = urlsafe_b64encode(json.dumps({"alg": alg, "kid": "one"}).encode()).decode()
            body = issuer.token(scope="admin").split(".")[1]
            assert caller(f"{head.rstrip('=')}.{body}.") is None

    def test_an_hmac_with_the_public_key(self, issuer: Issuer) -> None:
        """The classic confusion: HS256, keyed with what everyone can read."""
        import hashlib
        import hmac
        from base64 import urlsafe_b64encode

        def encoded(data: bytes) -> bytes:
            return urlsafe_b64encode(data).rstrip(b"=")

        body = issuer.token(scope="admin").split(".")[1].encode()
        head = encoded(json.dumps({"alg": "HS256", "kid": "one"}).encode())
        assert isinstance(issuer.key, RSAKey)
        for secret in (issuer.key.as_pem(private=False), issuer.key.as_der(private=False)):
            signature = hmac.new(secret, head + b"." + body, hashlib.sha256).digest()
            assert caller((head + b"." + body + b"." + encoded(signature)).decode()) is None

    def test_an_hmac_key_in_the_key_set(self, issuer: Issuer) -> None:
        secret = OctKey.generate_key(256, {"kid": "shared"})
        issuer.publish(issuer.key)
        keys = KeySet([issuer.key]).as_dict(private=False)
        keys["keys"].append(secret.as_dict())
        issuer.serve("/realm/keys", keys)
        assert caller(issuer.token(key=secret, alg="HS256")) is None

    def test_a_key_that_the_token_brings_along(self, issuer: Issuer) -> None:
        """`jwk` and `jku` of the header are never used (RFC 8725, 3.10)."""
        stranger = RSAKey.generate_key(2048, {"kid": "one"})
        header = {"jwk": stranger.as_dict(private=False)}
        assert caller(issuer.token(key=stranger, header=header)) is None

    @pytest.mark.parametrize("text", ["..", "a.b.c", "e30.e30.", "." * 3, "x" * 20_000 + ".a.b"])
    def test_no_token_at_all(self, issuer: Issuer, text: str) -> None:
        assert caller(text) is None


class TestKeys:
    def test_other_algorithms(self, issuer: Issuer) -> None:
        for key, alg in (
            (ECKey.generate_key("P-256", {"kid": "ec"}), "ES256"),
            (issuer.key, "PS256"),
        ):
            issuer.publish(key)
            oidc._verifier.cache_clear()
            assert caller(issuer.token(key=key, alg=alg)) is not None

    def test_rotation(self, issuer: Issuer) -> None:
        assert caller(issuer.token()) is not None
        fresh = RSAKey.generate_key(2048, {"kid": "two"})
        issuer.publish(fresh)
        token = issuer.token(key=fresh)
        assert caller(token) is None  # asked a moment ago
        verifier = oidc.verifier()
        verifier._asked -= oidc.ASK_AGAIN_SECONDS
        assert verifier.caller(token) is not None
        assert issuer.fetches == 2
        assert verifier.caller(issuer.token()) is None  # the key that was withdrawn

    def test_a_stranger_cannot_make_us_ask_again_and_again(self, issuer: Issuer) -> None:
        stranger = RSAKey.generate_key(2048, {"kid": "unknown"})
        for _ in range(5):
            assert caller(issuer.token(key=stranger)) is None
        assert issuer.fetches == 1

    def test_keys_on_another_host_must_be_named(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with serve() as other:
            other.pages["/keys"] = issuer.server.pages["/realm/keys"]
            issuer.publish(issuer.key, jwks_uri=other.url("/keys"))
            with pytest.raises(ConfigurationError, match="discovery"):
                caller(issuer.token())
            assert other.seen == []
            monkeypatch.setenv("ASSAY_OIDC_JWKS_URL", other.url("/keys"))
            settings.cache_clear()
            assert caller(issuer.token()) is not None

    def test_redirects_are_not_followed(self, issuer: Issuer) -> None:
        path = "/realm/.well-known/openid-configuration"
        issuer.server.pages["/elsewhere"] = issuer.server.pages[path]
        issuer.server.pages[path] = (302, {"Location": "/elsewhere"}, b"")
        with pytest.raises(IssuerUnreachable):
            caller(issuer.token())

    @pytest.mark.parametrize("answer", [b"", b"[]", b"{", b'{"keys": 7}', b" " * 1_000_001])
    def test_answers_that_make_no_sense(self, issuer: Issuer, answer: bytes) -> None:
        issuer.server.pages["/realm/keys"] = (200, {}, answer)
        with pytest.raises(IssuerUnreachable):
            caller(issuer.token())

    def test_when_the_issuer_goes_down_its_keys_are_used_for_a_day(self, issuer: Issuer) -> None:
        verifier = oidc.verifier()
        assert verifier.caller(issuer.token()) is not None
        issuer.server.pages.clear()
        verifier._asked -= oidc.KEYS_KEPT_SECONDS
        assert verifier.caller(issuer.token()) is not None
        verifier._fetched -= oidc.KEYS_TRUSTED_SECONDS
        with pytest.raises(IssuerUnreachable):
            verifier.caller(issuer.token())

    def test_an_issuer_that_is_down_is_our_503(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_OIDC_ISSUER", "http://127.0.0.1:9/realm")
        monkeypatch.setenv("ASSAY_OIDC_AUDIENCE", AUDIENCE)
        settings.cache_clear()
        with calling(small_app(), key="a.b.c") as client:
            response = client.get("/v1/caller")
        assert response.status_code == 503
        assert response.headers["retry-after"]

    def test_plain_http_is_for_loopback_only(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("ASSAY_OIDC_ISSUER", "http://issuer.example")
        monkeypatch.setenv("ASSAY_OIDC_AUDIENCE", AUDIENCE)
        settings.cache_clear()
        with pytest.raises(ConfigurationError, match="https"):
            caller("a.b.c")


def test_without_an_audience_nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_OIDC_ISSUER", "https://issuer.example")
    settings.cache_clear()
    with pytest.raises(ConfigurationError, match="AUDIENCE"):
        check_bind("127.0.0.1")


def test_an_issuer_is_as_good_as_a_key(issuer: Issuer) -> None:
    assert check_bind("0.0.0.0") == "required"

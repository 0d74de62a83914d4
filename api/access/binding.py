"""Whether the service may listen on an address."""

from __future__ import annotations

from typing import Literal

from assay.api.access.anonymous import is_loopback
from assay.api.access.errors import OpenBind
from assay.api.access.keys import KeyStore
from assay.api.records import open_database
from assay.errors import ConfigurationError, MissingExtra
from assay.settings import settings


def check_bind(host: str) -> Literal["auto", "required", "off"]:
    """How callers are asked who they are when the service listens here.

    Raises:
        OpenBind: others can reach the address, and `ASSAY_AUTH=off` or no key exists.
        ConfigurationError: the OpenID Connect settings are not complete.
    """
    _check_issuer()
    mode = settings().auth
    if is_loopback(host):
        return mode
    if mode == "off":
        raise OpenBind(
            f"{host}: others can reach this address and ASSAY_AUTH is off",
            advice="listen on 127.0.0.1 behind a proxy that authenticates, or set "
            "ASSAY_AUTH=required",
        )
    if not settings().oidc_issuer and not KeyStore(open_database()).any_active():
        raise OpenBind(
            f"{host}: others can reach this address and there is no API key yet",
            advice="make one: assay access create NAME --scope verify",
        )
    return "required"


def _check_issuer() -> None:
    if not settings().oidc_issuer:
        return
    if not settings().oidc_audience:
        raise ConfigurationError(
            "ASSAY_OIDC_ISSUER is set without ASSAY_OIDC_AUDIENCE",
            advice="name the audience, or tokens for other services would be accepted",
        )
    from importlib.util import find_spec

    if find_spec("joserfc") is None:
        raise MissingExtra(
            "tokens of an OpenID Connect issuer cannot be checked",
            advice="pip install 'assay[oidc]'",
        )

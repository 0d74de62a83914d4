"""What access refuses."""

from __future__ import annotations

from assay.api.errors import RetryLater, ServiceError
from assay.errors import ConfigurationError


class Unauthenticated(ServiceError):
    """The request carries no valid API key, token or session."""

    code = "unauthenticated"
    http_status = 401

    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="assay"'}


class ScopeMissing(ServiceError):
    """The caller may not do this."""

    code = "scope-missing"
    http_status = 403


class CrossSiteRequest(ServiceError):
    """A page of another site, or a form without its token, asked for a change."""

    code = "cross-site-request"
    http_status = 403


class TooManyAttempts(RetryLater):
    """This address sent too many keys that are not valid."""

    code = "too-many-attempts"
    http_status = 429


class UnknownKey(ServiceError):
    """There is no API key with this id."""

    code = "unknown-api-key"
    http_status = 404
    exit_code = 3


class KeyRefused(ServiceError):
    """The API key cannot be made or changed like this."""

    code = "api-key-refused"
    http_status = 422
    exit_code = 2


class IssuerUnreachable(RetryLater):
    """The keys of the OpenID Connect issuer cannot be fetched."""

    code = "issuer-unreachable"


class OpenBind(ConfigurationError):
    """The service would answer strangers without asking who they are."""

    code = "open-bind"

"""Errors that only a service has; each knows its HTTP status and headers."""

from __future__ import annotations

from typing import ClassVar

from assay.errors import AssayError


class ServiceError(AssayError):
    """The service refuses a request."""

    code = "refused"
    http_status: ClassVar[int] = 400

    def headers(self) -> dict[str, str]:
        """Response headers that belong to this refusal."""
        return {}


class RetryLater(ServiceError):
    """The service asks to be called again later."""

    code = "retry-later"
    http_status = 503

    def __init__(self, message: str, *, seconds: int, advice: str | None = None) -> None:
        super().__init__(message, advice=advice)
        self.seconds = seconds

    def headers(self) -> dict[str, str]:
        return {"Retry-After": str(self.seconds)}

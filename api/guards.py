"""What stands between the network and the operations, from the outside in."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from assay.api.access.attempts import limit_of
from assay.api.body_limit import BodyLimit, OneLength
from assay.api.counting import shared_storage
from assay.api.gate import Gate
from assay.api.operations import logs
from assay.api.operations.observing import Observed
from assay.api.rate_limits import RateLimits
from assay.api.request_ids import RequestIds
from assay.api.response_headers import ResponseHeaders
from assay.errors import ConfigurationError
from assay.settings import settings

# Multipart framing and the few text fields around one file.
_FORM_OVERHEAD = 100_000
_EXPOSED = ["Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-Id"]


def install(app: FastAPI) -> None:
    """Add every guard; the last one added is the outermost.

    Raises:
        ConfigurationError: a setting that a guard reads cannot be used.
    """
    logs.ensure()
    for limit in ("rate_limit", "wrong_keys"):
        limit_of(limit)
    shared_storage()
    app.add_middleware(BodyLimit, max_bytes=settings().limits.max_bytes + _FORM_OVERHEAD)
    app.add_middleware(RateLimits)
    app.add_middleware(Gate)
    origins = settings().cors_origins
    if "*" in origins:
        raise ConfigurationError(
            "ASSAY_CORS_ORIGINS: * would open the service to every site", advice="name the sites"
        )
    if origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(origins),
            allow_methods=["GET", "POST", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Prefer"],
            expose_headers=[*_EXPOSED, "Idempotency-Replayed"],
        )
    app.add_middleware(OneLength)
    app.add_middleware(Observed)
    app.add_middleware(ResponseHeaders)
    app.add_middleware(RequestIds)

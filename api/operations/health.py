"""`/healthz`, `/readyz`, `/metrics`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Literal

import structlog
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field

from assay.api.access import Caller, require
from assay.api.operations import metrics
from assay.api.operations.checks import READINESS, queue
from assay.api.problems import responses
from assay.errors import AssayError
from assay.version import __version__

REMEMBER_SECONDS = 2.0  # anyone may ask; the parts are not asked more often than this

router = APIRouter(tags=["operations"])


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str = __version__


class Readiness(BaseModel):
    """Which parts are ready; the log says why one is not."""

    status: Literal["ready", "not-ready"]
    parts: dict[str, bool] = Field(examples=[dict.fromkeys(READINESS, True)])


@router.get("/healthz", summary="Whether the process answers")
async def get_health() -> Health:
    """Restart the process when this does not answer."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether the service can work",
    responses={503: {"model": Readiness, "description": "A part is not ready."}},
)
def get_readiness(request: Request, response: Response) -> Readiness:
    """Send no work while this answers 503."""
    parts = _readiness.parts({**READINESS, **_checks_of(request.app)})
    if all(parts.values()):
        return Readiness(status="ready", parts=parts)
    response.status_code = 503
    return Readiness(status="not-ready", parts=parts)


@router.get(
    "/metrics",
    summary="Prometheus metrics",
    response_class=PlainTextResponse,
    responses=responses(),
)
def get_metrics(
    request: Request, _caller: Annotated[Caller, Depends(require("metrics"))]
) -> Response:
    """For a scraper with a key of scope `metrics`."""
    for check in _checks_of(request.app).values():
        with suppress(AssayError):
            check()
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


class _Readiness:
    """The parts, asked one caller at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._parts: dict[str, bool] = {}

    def parts(self, checks: dict[str, Callable[[], str]]) -> dict[str, bool]:
        with self._lock:
            if time.monotonic() - self._asked > REMEMBER_SECONDS:
                self._parts = {name: _ready(name, check) for name, check in checks.items()}
                self._asked = time.monotonic()
            return dict(self._parts)


def _checks_of(app: FastAPI) -> dict[str, Callable[[], str]]:
    """The parts that only a running application has."""
    runtime = getattr(app.state, "runtime", None)
    return {} if runtime is None else {"jobs": partial(queue, runtime.jobs)}


def _ready(name: str, check: Callable[[], str]) -> bool:
    try:
        check()
    except AssayError as error:
        structlog.get_logger("assay").warning("not ready", part=name, detail=error.message)
        ready = False
    else:
        ready = True
    metrics.READY.labels(name).set(ready)
    return ready


_readiness = _Readiness()

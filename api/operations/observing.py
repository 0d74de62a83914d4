"""One log line and one measurement for each request, and an answer when we fail ourselves."""

from __future__ import annotations

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from assay.api.database_away import DatabaseAway, is_of_database
from assay.api.errors import ServiceError
from assay.api.operations import metrics
from assay.api.problems import InternalError, answer

UNKNOWN_ROUTE = "unknown"  # one label for every address that does not exist
QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds; logged for debugging only
# Anything else a client invents as a method becomes one label.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Observed:
    """ASGI middleware: logs, measures, and turns a failure of ours into a problem document."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with metrics.AT_WORK.track_inprogress():
            try:
                await self.app(scope, receive, noted)
            except Exception as error:
                failed = _told(error)
                if status:
                    raise  # half an answer is out: only breaking the connection tells the truth
                await answer(failed, instance=scope["path"])(scope, receive, noted)
            finally:
                _note(scope, status, time.perf_counter() - started)


def _told(error: Exception) -> ServiceError:
    """What the caller hears of an error that nobody expected; the log hears all."""
    log = structlog.get_logger("assay")
    if is_of_database(error):  # every request meets it while it lasts
        log.warning("the database does not answer", detail=str(error).splitlines()[0])
        return DatabaseAway()
    log.exception("unexpected failure")
    return InternalError("the service failed; its log says more")


def _note(scope: Scope, status: int, seconds: float) -> None:
    method = scope["method"] if scope["method"] in _METHODS else "other"
    route = getattr(scope.get("route"), "path", UNKNOWN_ROUTE)
    metrics.REQUESTS.labels(method, route, str(status)).inc()
    metrics.SECONDS.labels(method, route).observe(seconds)
    caller = scope.get("assay.caller")
    log = structlog.get_logger("assay.requests")
    write = log.debug if scope["path"] in QUIET else log.info
    write(
        "request",
        method=method,
        path=scope["path"],
        route=route,
        status=status,
        milliseconds=round(1000 * seconds, 1),
        caller=caller.id if caller else None,
    )

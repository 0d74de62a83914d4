"""Logs: one JSON object a line on standard error, without secrets.

Everything that logs, the libraries too, goes through the same processors. A line break or a
control character in what a caller sent is escaped by JSON, and in text by `repr`, so that
nobody can write a line of their own (CWE-117).
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from assay.api.access.key_text import redacted
from assay.settings import settings

# Words of the names of fields that hold secrets; a field is dropped if it is called like this.
_SECRET_NAMES = ("authorization", "cookie", "password", "secret", "token", "csrf", "pin")
_TWICE = ("color_message", "message")  # the event once more, from uvicorn and from handlers


def ensure() -> None:
    """Configure unless it was done: an unconfigured logger would print local variables."""
    if not structlog.is_configured():
        configure()


def configure() -> None:
    """Send the logs of this process to standard error, as the settings say."""
    rendered: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        without_secrets,
    ]
    if settings().log_format == "json":
        rendered.append(structlog.processors.JSONRenderer(ensure_ascii=True))
    else:
        rendered.append(structlog.processors.KeyValueRenderer(key_order=["timestamp", "event"]))
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        with_trace,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    handler = _ToStandardError()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=rendered)
    )
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, _ToStandardError)] + [handler]
    root.setLevel(settings().log_level.upper())
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    # They log whole addresses, which can hold secrets: those of webhooks for one.
    for name in ("httpx", "httpx2", "httpcore"):
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared[:-1],
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what standard error is at that moment."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:
        return sys.stderr

    @stream.setter
    def stream(self, _stream: TextIO) -> None:
        raise AttributeError("always standard error")


def without_secrets(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Drop what is called like a secret, and keys wherever they stand."""
    return {
        name: _clean(value)
        for name, value in event.items()
        if name not in _TWICE and not any(w in name.lower().split("_") for w in _SECRET_NAMES)
    }


def with_trace(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """The id of the trace, when there is one."""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, dict):
        return {_clean(name): _clean(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(part) for part in value]
    return value if isinstance(value, int | float | bool | None) else redacted(str(value))

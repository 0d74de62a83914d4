"""What a service refuses, as exceptions that read like local ones.

A problem whose type is one of `assay.errors` (a damaged file, a file over a limit) becomes
that very error, so that a caller handles a local and a remote refusal in one place. What only
a service can say has a class here.
"""

from __future__ import annotations

from typing import Any

from assay import errors
from assay.errors import AssayError

PREFIX = "urn:assay:problem:"


class RemoteError(AssayError):
    """The service could not do what was asked.

    Its exit code is never 1, which is a finding: an outage must not look like one.

    Attributes:
        status: HTTP status, or None when no answer came.
        problem_document: the whole RFC 9457 document, as received.
    """

    code = "remote-error"
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        advice: str | None = None,
        status: int | None = None,
        problem_document: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, advice=advice)
        self.status = status
        self.problem_document = problem_document or {}


class Unreachable(RemoteError):
    """No service answered at this address."""

    code = "unreachable"


class StillExamining(RemoteError):
    """The result was not there within the time that the caller gave it."""

    code = "still-examining"


class SignInNeeded(RemoteError):
    """The service asks for a key, or does not know the one it got."""

    code = "sign-in-needed"
    exit_code = 2


class NotPermitted(RemoteError):
    """The key does not reach this far."""

    code = "not-permitted"
    exit_code = 2


class Unknown(RemoteError):
    """The service holds nothing under this id."""

    code = "unknown-resource"


class Conflict(RemoteError):
    """The request contradicts an earlier one."""

    code = "conflict-with-earlier"


class Overloaded(RemoteError):
    """The service asked to come back later, and did so too often."""

    code = "overloaded"


_BY_STATUS: dict[int, type[RemoteError]] = {
    401: SignInNeeded,
    403: NotPermitted,
    404: Unknown,
    409: Conflict,
    429: Overloaded,
    503: Overloaded,
}
# Errors whose meaning is the same here and there.
_SHARED: dict[str, type[AssayError]] = {
    kind.code: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AssayError) and kind is not AssayError
}


def from_problem(document: dict[str, Any], status: int | None) -> AssayError:
    """The exception for a problem document.

    Args:
        document: RFC 9457 members; unknown ones are kept.
        status: of the response; None when the document came inside another answer.
    """
    code = str(document.get("type", "")).removeprefix(PREFIX)
    message = str(document.get("detail") or document.get("title") or f"status {status}")
    advice = document.get("advice")
    advice = advice if isinstance(advice, str) else None
    if code in _SHARED:
        return _SHARED[code](message, advice=advice)
    kind = _BY_STATUS.get(status or 0, RemoteError)
    return kind(message, advice=advice, status=status, problem_document=document)

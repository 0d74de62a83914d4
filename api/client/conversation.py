"""What is said to the service, without saying how it is sent.

Each operation is a generator of steps: it yields a `Call` and is given the `Answer`, or a
`Pause`, or a `Listen`. `Client` runs the steps with blocking calls, `AsyncClient` awaits them,
so that both behave the same.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from assay.api.client.errors import RemoteError, Unreachable, from_problem

if TYPE_CHECKING:
    from assay.api.client.uploads import Upload

RETRIED = frozenset({429, 502, 503, 504})
LONGEST_PAUSE = 120.0
"""Seconds. A service that asks for more is given up on: its answer is the caller's to handle."""
_FIRST_PAUSE = 0.5
_LONGEST_BACKOFF = 30.0

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One HTTP request.

    Attributes:
        upload: sent as the multipart field `upload_field`, with `fields` beside it.
        body: sent as JSON.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    upload: Upload | None = None
    upload_field: str = "file"
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Put:
    """A file to an address outside the service, with nothing of ours but its bytes.

    Attributes:
        url: whoever knows it can use it, so it is in no log and no message.
        headers: what the service says belongs to it.
    """

    url: str = field(repr=False)
    upload: Upload
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Pause:
    """Nothing for some seconds."""

    seconds: float


@dataclass(frozen=True)
class Listen:
    """Server-sent events of one address, until `heard` says that it is enough.

    Attributes:
        heard: gets the name and the data of an event; True ends listening.
    """

    path: str
    heard: Callable[[str, str], bool]


@dataclass(frozen=True)
class Answer:
    """An HTTP response, or the reason why there is none."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    failure: str | None = None

    def json(self) -> Any:
        """The body as JSON.

        Raises:
            RemoteError: it is none.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise RemoteError(
                f"status {self.status} without JSON", status=self.status, advice=_NOT_ASSAY
            ) from error

    def refused(self) -> bool:
        return self.failure is not None or self.status >= 300  # redirects are not followed


Step = Call | Put | Pause | Listen
Conversation = Generator[Step, Answer | None, T]

_NOT_ASSAY = "is this the address of an Assay service?"


@dataclass(frozen=True)
class Patience:
    """How often a request is repeated, and how long is waited between.

    Attributes:
        retries: repetitions after the first try.
    """

    retries: int = 5

    def pause(self, answer: Answer, attempt: int) -> float | None:
        """Seconds until the next try, or None to give up.

        What the service asks for in Retry-After is honoured; otherwise exponential backoff
        with full jitter, so that many clients do not come back at once.
        """
        if attempt >= self.retries:
            return None
        asked = retry_after(answer.headers.get("retry-after"))
        in_flight = answer.status == 409 and asked is not None
        if answer.failure is None and answer.status not in RETRIED and not in_flight:
            return None
        if asked is not None:
            return asked if asked <= LONGEST_PAUSE else None
        ceiling = min(_LONGEST_BACKOFF, _FIRST_PAUSE * 2.0**attempt)
        return random.uniform(ceiling / 2, ceiling)


def retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())


def ask(call: Call, patience: Patience) -> Conversation[Answer]:
    """One request, repeated while the service is out of reach or busy.

    A repetition of a request that still is at work is answered with 409 and Retry-After;
    that is waited for like a busy service.

    Raises:
        AssayError: the service refused, as `from_problem`; or Unreachable.
    """
    answer = yield from attempted(call, patience)
    if answer.refused():
        raise _refusal(answer)
    return answer


def attempted(step: Call | Put, patience: Patience) -> Conversation[Answer]:
    """The answer to one request, or the last refusal when patience is over."""
    attempt = 0
    while True:
        answer = yield step
        assert answer is not None
        if not answer.refused():
            return answer
        seconds = patience.pause(answer, attempt)
        if seconds is None:
            return answer
        yield Pause(seconds)
        attempt += 1


def create(call: Call, patience: Patience, *, key: str | None = None) -> Conversation[Answer]:
    """As `ask`, for what must happen once however often it is sent: with an Idempotency-Key."""
    headers = {**call.headers, "Idempotency-Key": key or str(uuid.uuid4())}
    return (yield from ask(replace(call, headers=headers), patience))


def deadline(seconds: float | None) -> Callable[[], bool]:
    """Whether the time is over; never, for None."""
    if seconds is None:
        return lambda: False
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def _refusal(answer: Answer) -> Exception:
    if answer.failure is not None:
        return Unreachable(answer.failure, advice="check the address, and that the service runs")
    try:
        document = json.loads(answer.content)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        return RemoteError(f"status {answer.status}", status=answer.status, advice=_NOT_ASSAY)
    return from_problem(document, answer.status)

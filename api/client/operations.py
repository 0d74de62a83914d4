"""What the service can be asked, each as one conversation."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.api.client.conversation import (
    Answer,
    Call,
    Conversation,
    Listen,
    Patience,
    Pause,
    ask,
    create,
    deadline,
)
from assay.api.client.direct import Direct, sent_past
from assay.api.client.errors import RemoteError, StillExamining, Unknown, from_problem
from assay.api.client.uploads import OnProgress, Progress

if TYPE_CHECKING:
    from assay.api.client.uploads import Upload
    from assay.evidence import Verification
    from assay.provenance.marking import Receipt
    from assay.provenance.matching.receipts import Match
    from assay.provenance.matching.works import Work

VERIFICATIONS = "/v1/verifications"
WAIT_SECONDS = 20
"""How long the service may hold its answer back until the result is there."""
_FIRST_POLL, _LONGEST_POLL = 0.25, 5.0


@dataclass(frozen=True)
class Verifying:
    """How a verification is asked for; see `Client.verify`."""

    check_first: bool
    seconds: float | None
    on_progress: OnProgress | None
    key: str | None


@dataclass(frozen=True)
class Resource:
    """A verification as the service holds it.

    Attributes:
        status: queued, running, done or failed.
        verification: the result, when done.
        problem: why there is none, when failed.
    """

    id: str
    status: str
    verification: Verification | None = None
    problem: dict[str, Any] | None = None

    def result(self) -> Verification | None:
        """The result, or None while there is none.

        Raises:
            AssayError: the service could not examine the file, as `from_problem`.
        """
        if self.status == "failed":
            raise from_problem(self.problem or {"detail": "the examination failed"}, None)
        return self.verification


@dataclass(frozen=True)
class SignedRemotely:
    """A file that the service signed.

    Attributes:
        data: the marked file.
        receipt: what the signer keeps.
        path: where it was written, if anywhere.
    """

    data: bytes = field(repr=False)
    receipt: Receipt
    path: Path | None = None

    def written_to(self, out: str | Path | None) -> SignedRemotely:
        """The same, with the file written in one step."""
        if out is None:
            return self
        from assay.files import write_atomically

        return replace(self, path=write_atomically(out, self.data))


@dataclass(frozen=True)
class FoundWork:
    """A registered work that a file may copy.

    Attributes:
        match: how sure it is, with the proof.
        work: what is registered.
    """

    match: Match
    work: Work


def is_url(source: object) -> bool:
    """Whether a source is an address that the service is to fetch."""
    return isinstance(source, str) and source.startswith(("http://", "https://"))


def verify(
    upload: Upload, patience: Patience, options: Verifying, direct: Direct
) -> Conversation[Verification]:
    """Examine a file, unless the service knows its bytes already."""
    if options.check_first and upload.sha256 is not None:
        known = yield from _known(upload.sha256, patience)
        if known is not None:
            return _finished(known, options)
    waiting = {"Prefer": f"wait={WAIT_SECONDS}"}
    call = Call("POST", VERIFICATIONS, waiting, upload=upload)
    # The same file sent again with a key of the caller's must be the same request.
    if options.key is None and (put := (yield from sent_past(upload, patience, direct))):
        call = Call("POST", VERIFICATIONS, waiting, body={"upload": put})
    return (yield from _examined(call, patience, options))


def verify_url(url: str, patience: Patience, options: Verifying) -> Conversation[Verification]:
    """Examine what the service finds at an address."""
    call = Call("POST", VERIFICATIONS, {"Prefer": f"wait={WAIT_SECONDS}"}, body={"url": url})
    return (yield from _examined(call, patience, options))


def get(verification_id: str, patience: Patience) -> Conversation[Resource]:
    """One verification."""
    answer = yield from ask(Call("GET", f"{VERIFICATIONS}/{verification_id}"), patience)
    return _resource(answer)


def delete(verification_id: str, patience: Patience) -> Conversation[None]:
    """Delete one verification."""
    yield from ask(Call("DELETE", f"{VERIFICATIONS}/{verification_id}"), patience)


def sign(
    upload: Upload, fields: dict[str, str], patience: Patience, *, key: str | None
) -> Conversation[SignedRemotely]:
    """Sign a file; the answer is the marked file, its receipt is fetched after it."""
    from assay.provenance.marking import Receipt

    call = Call("POST", "/v1/signatures", upload=upload, fields=fields)
    answer = yield from create(call, patience, key=key)
    signature = yield from ask(Call("GET", _location(answer)), patience)
    return SignedRemotely(answer.content, _understood(Receipt, signature.json()["receipt"]))


def match(upload: Upload, patience: Patience) -> Conversation[list[FoundWork]]:
    """Look a file up among the registered works."""
    from assay.provenance.matching.receipts import Match
    from assay.provenance.matching.works import Work

    answer = yield from ask(Call("POST", "/v1/matches", upload=upload), patience)
    found = []
    for item in answer.json()["matches"]:
        work = _understood(Work, item.pop("work"))
        found.append(FoundWork(_understood(Match, item), work))
    return found


def _examined(call: Call, patience: Patience, options: Verifying) -> Conversation[Verification]:
    from assay.evidence import Verification

    is_over = deadline(options.seconds)
    answer = yield from create(call, patience, key=options.key)
    if answer.status == 200:
        return _finished(_understood(Verification, answer.json()), options)
    return (yield from _awaited(_location(answer), patience, options, is_over))


def _awaited(
    address: str, patience: Patience, options: Verifying, is_over: Callable[[], bool]
) -> Conversation[Verification]:
    """Follow an accepted verification to its result."""
    if options.on_progress is not None:
        options.on_progress(Progress("queued"))
        yield Listen(f"{address}/events", _telling(options.on_progress, is_over))
    pause = _FIRST_POLL
    while True:
        answer = yield from ask(Call("GET", address), patience)
        resource = _resource(answer)
        verification = resource.result()
        if verification is not None:
            return _finished(verification, options)
        if is_over():
            raise StillExamining(
                f"no result yet for {resource.id}", advice="ask for it later by this id"
            )
        yield Pause(pause)
        pause = min(_LONGEST_POLL, pause * 1.5)


def _known(sha256: str, patience: Patience) -> Conversation[Verification | None]:
    """The result for these bytes, if the service has one."""
    answer = yield from ask(Call("POST", "/v1/media:check", body={"sha256": [sha256]}), patience)
    known = {item["sha256"]: item["verification"] for item in answer.json()["known"]}
    if sha256 not in known:
        return None
    try:
        resource = yield from get(known[sha256], patience)
    except Unknown:
        return None  # deleted in between
    return resource.verification


def _telling(tell: OnProgress, is_over: Callable[[], bool]) -> Callable[[str, str], bool]:
    """Turns events into progress."""
    finished: list[str] = []
    running: list[str] = []

    def heard(name: str, data: str) -> bool:
        told = json.loads(data)
        if name == "started":
            finished.clear()
            running[:] = told["examiners"]
            tell(Progress("examining", 0, len(running)))
        elif name == "examined":
            finished.append(told["examiner"])
            tell(Progress("examining", len(finished), len(running) or None, finished[-1]))
        return name in ("done", "failed", "deleted") or is_over()

    return heard


def _finished(verification: Verification, options: Verifying) -> Verification:
    if options.on_progress is not None:
        options.on_progress(Progress("done"))
    return verification


def _resource(answer: Answer) -> Resource:
    from assay.evidence import Verification

    document = answer.json()
    found = document.get("verification")
    return Resource(
        id=document["id"],
        status=document["status"],
        verification=None if found is None else _understood(Verification, found),
        problem=document.get("problem"),
    )


def _location(answer: Answer) -> str:
    location = answer.headers.get("location")
    if location is None:
        raise RemoteError(f"status {answer.status} without a Location", status=answer.status)
    return location


def _understood(kind: Any, document: Any) -> Any:
    """A document as one of our types.

    Raises:
        RemoteError: it is of another version.
    """
    from pydantic import ValidationError

    try:
        return kind.model_validate(document)
    except ValidationError as error:
        raise RemoteError(
            f"an answer that is no {kind.__name__}: {error.errors()[0]['msg']}",
            advice="client and service should be of the same version",
        ) from error

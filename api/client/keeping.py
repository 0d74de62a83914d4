"""What a service keeps: verifications, works, audits and their reports, each as a conversation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from assay.api.client.conversation import Call, Conversation, Patience, ask, create
from assay.api.client.errors import RemoteError

if TYPE_CHECKING:
    from assay.api.client.uploads import Upload
    from assay.provenance.matching.works import Work

VERIFICATIONS, WORKS, AUDITS = "/v1/verifications", "/v1/works", "/v1/audits"
PAGE = 100  # entries that are asked for at once
Fields = Mapping[str, str | list[str]]

T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """A verification as a line of a list.

    Attributes:
        status: queued, running, done or failed.
        category: of the verdict, when done.
    """

    id: str
    status: str
    created: datetime
    name: str | None
    sha256: str
    category: str | None


@dataclass(frozen=True)
class Audit:
    """An audit, at work or finished.

    Attributes:
        status: queued, running, done or failed.
        summary: counts of the report, when done.
        reports: names of the report's files, for `audit_report`.
        problem: why there is none, when failed.
    """

    id: str
    status: str
    created: datetime
    title: str | None
    summary: dict[str, Any] | None
    reports: tuple[str, ...]
    problem: dict[str, Any] | None


def verifications(most: int, patience: Patience) -> Conversation[list[Listed]]:
    """The caller's verifications, newest first."""
    return (yield from _pages(VERIFICATIONS, most, patience, _listed))


def report(verification_id: str, kind: str, patience: Patience) -> Conversation[bytes]:
    """The report of a finished verification: `html` or `json`."""
    address = f"{VERIFICATIONS}/{quote(verification_id, safe='')}/report.{kind}"
    return (yield from ask(Call("GET", address), patience)).content


def register(
    upload: Upload, fields: Fields, patience: Patience, *, key: str | None
) -> Conversation[Work]:
    """Register a work, once however often the request is sent."""
    answer = yield from create(Call("POST", WORKS, upload=upload, fields=fields), patience, key=key)
    return _work(answer.json())


def works(most: int, patience: Patience) -> Conversation[list[Work]]:
    """Registered works, by id."""
    return (yield from _pages(WORKS, most, patience, _work))


def remove_work(work_id: str, patience: Patience) -> Conversation[None]:
    """Remove a work from the registry."""
    yield from ask(Call("DELETE", f"{WORKS}/{quote(work_id, safe='')}"), patience)


def start_audit(
    archive: Upload, fields: Fields, patience: Patience, *, key: str | None
) -> Conversation[Audit]:
    """Have a ZIP of labelled pictures audited; it goes on after the answer."""
    call = Call("POST", AUDITS, upload=archive, upload_field="archive", fields=fields)
    return _audit((yield from create(call, patience, key=key)).json())


def audit(audit_id: str, patience: Patience) -> Conversation[Audit]:
    """One audit as it stands."""
    answer = yield from ask(Call("GET", f"{AUDITS}/{quote(audit_id, safe='')}"), patience)
    return _audit(answer.json())


def audits(most: int, patience: Patience) -> Conversation[list[Audit]]:
    """The caller's audits, newest first."""
    return (yield from _pages(AUDITS, most, patience, _audit))


def audit_report(audit_id: str, name: str, patience: Patience) -> Conversation[bytes]:
    """One file of an audit's report."""
    address = f"{AUDITS}/{quote(audit_id, safe='')}/{quote(name, safe='')}"
    return (yield from ask(Call("GET", address), patience)).content


def delete_audit(audit_id: str, patience: Patience) -> Conversation[None]:
    """Delete an audit with its report."""
    yield from ask(Call("DELETE", f"{AUDITS}/{quote(audit_id, safe='')}"), patience)


def written(data: bytes, out: str | Path | None) -> bytes:
    """The same bytes, written in one step where a path is given."""
    if out is not None:
        from assay.files import write_atomically

        write_atomically(out, data)
    return data


def _pages(
    address: str, most: int, patience: Patience, read: Callable[[Any], T]
) -> Conversation[list[T]]:
    found: list[T] = []
    cursor: str | None = None
    while len(found) < most:
        query = {"limit": str(min(PAGE, most - len(found)))}
        if cursor is not None:
            query["cursor"] = cursor
        page = (yield from ask(Call("GET", address, query=query), patience)).json()
        found += [read(item) for item in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    return found


def _listed(item: dict[str, Any]) -> Listed:
    return Listed(
        id=item["id"],
        status=item["status"],
        created=datetime.fromisoformat(item["created"]),
        name=item["name"],
        sha256=item["sha256"],
        category=item["category"],
    )


def _audit(item: dict[str, Any]) -> Audit:
    return Audit(
        id=item["id"],
        status=item["status"],
        created=datetime.fromisoformat(item["created"]),
        title=item["title"],
        summary=item["summary"],
        reports=tuple(address.rpartition("/")[2] for address in item["reports"]),
        problem=item["problem"],
    )


def _work(item: dict[str, Any]) -> Work:
    from pydantic import ValidationError

    from assay.provenance.matching.works import Work

    try:
        return Work.model_validate(item)
    except ValidationError as error:
        raise RemoteError(
            f"an answer that is no work: {error.errors()[0]['msg']}",
            advice="client and service should be of the same version",
        ) from error

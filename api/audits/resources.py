"""What callers see of an audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import BaseModel, Field

from assay.api.errors import ServiceError

Status = Literal["queued", "running", "done", "failed"]


class NoReportYet(ServiceError):
    """The audit has no report yet."""

    code = "no-report-yet"
    http_status = 409


class Summary(BaseModel):
    """The counts of a report."""

    title: str
    pictures: int
    verdicts: dict[str, int] = Field(
        description="Claims by verdict.",
        examples=[{"disparity-found": 1, "none-found": 3, "cannot-tell": 0}],
    )


class AuditResource(BaseModel):
    """An audit, at work or finished."""

    id: str
    status: Status
    created: datetime
    finished: datetime | None = None
    title: str | None = None
    summary: Summary | None = Field(default=None, description="When done.")
    reports: list[str] = Field(default=[], description="Addresses of the report's files.")
    problem: dict[str, Any] | None = Field(default=None, description="When failed.")


class Audits(BaseModel):
    """A page of audits, newest first."""

    items: list[AuditResource]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


def resource(row: sa.RowMapping, names: list[str]) -> AuditResource:
    """The row of an audit, with the names of its files."""
    return AuditResource(
        id=row["id"],
        status=row["status"],
        created=datetime.fromtimestamp(row["created"], UTC),
        finished=datetime.fromtimestamp(row["finished"], UTC) if row["finished"] else None,
        title=row["title"],
        summary=row["summary"],
        reports=[f"/v1/audits/{row['id']}/{name}" for name in names],
        problem=row["problem"],
    )

"""Audits in the service's database."""

from __future__ import annotations

import time
from typing import Any

import sqlalchemy as sa

from assay.api.access import Caller
from assay.api.audits.schema import audit_files, audits
from assay.databases import empty_log, writing

LEASE_SECONDS = 60.0  # a running audit whose process has not renewed it is taken over
MOST_ATTEMPTS = 3  # an audit that took its process down that often is given up

_this = audits.c


class AuditStore:
    """Queries on audits."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, id: str, caller: Caller, *, options: dict[str, Any], media: str) -> None:
        """Accept an audit."""
        row = {
            "id": id,
            "caller": caller.id,
            "status": "queued",
            "attempts": 0,
            "lease": 0.0,
            "created": time.time(),
            "title": options.get("title"),
            "options": options,
            "media": media,
        }
        with self._engine.begin() as connection:
            connection.execute(audits.insert(), row)

    def get(self, id: str, caller: Caller) -> sa.RowMapping | None:
        """One audit, if the caller may see it."""
        with self._engine.connect() as connection:
            return connection.execute(sa.select(audits).where(_seen(id, caller))).mappings().first()

    def page(self, query: sa.Select[Any]) -> list[sa.RowMapping]:
        """The rows of a list."""
        with self._engine.connect() as connection:
            return list(connection.execute(query).mappings())

    def names(self, ids: list[str]) -> dict[str, list[str]]:
        """The files of the reports of some audits."""
        query = sa.select(audit_files.c.audit, audit_files.c.name)
        query = query.where(audit_files.c.audit.in_(ids)).order_by(audit_files.c.name)
        found: dict[str, list[str]] = {id: [] for id in ids}
        with self._engine.connect() as connection:
            for row in connection.execute(query):
                found[row.audit].append(row.name)
        return found

    def file(self, id: str, name: str) -> bytes | None:
        """One file of a report."""
        query = sa.select(audit_files.c.data)
        query = query.where(audit_files.c.audit == id, audit_files.c.name == name)
        with self._engine.connect() as connection:
            data = connection.execute(query).scalar()
        return None if data is None else bytes(data)

    def delete(self, id: str, caller: Caller) -> sa.RowMapping | None:
        """Delete an audit with its report; what it was, if there was one."""
        with writing(self._engine) as connection:
            row = connection.execute(sa.select(audits).where(_seen(id, caller))).mappings().first()
            connection.execute(audit_files.delete().where(audit_files.c.audit == id))
            connection.execute(audits.delete().where(_seen(id, caller)))
        empty_log(self._engine)
        return row

    def claim(self) -> sa.RowMapping | None:
        """Take the oldest audit that waits, or whose process is gone."""
        now = time.time()
        waits = (_this.status == "queued") | ((_this.status == "running") & (_this.lease < now))
        with writing(self._engine) as connection:
            query = sa.select(_this.id).where(waits).order_by(_this.created).limit(1)
            id = connection.execute(query.with_for_update(skip_locked=True)).scalar()
            if id is None:
                return None
            values = {
                "status": "running",
                "attempts": _this.attempts + 1,
                "lease": now + LEASE_SECONDS,
            }
            connection.execute(audits.update().where(_this.id == id).values(values))
            return connection.execute(sa.select(audits).where(_this.id == id)).mappings().one()

    def renew(self, claimed: sa.RowMapping) -> None:
        """Say that the process is still there."""
        self._change(claimed, {"lease": time.time() + LEASE_SECONDS})

    def give_back(self, claimed: sa.RowMapping) -> None:
        """Let another process do it, as if it had not begun."""
        self._change(claimed, {"status": "queued", "attempts": claimed["attempts"] - 1})

    def finish(
        self,
        claimed: sa.RowMapping,
        *,
        files: dict[str, bytes],
        summary: dict[str, Any] | None,
        problem: dict[str, Any] | None,
    ) -> bool:
        """Write the result, unless another process has taken the audit over or it was deleted."""
        values = {
            "status": "failed" if problem else "done",
            "finished": time.time(),
            "media": None,
            "summary": summary,
            "problem": problem,
        }
        with writing(self._engine) as connection:
            done = connection.execute(audits.update().where(_mine(claimed)).values(values))
            if not done.rowcount:
                return False
            rows = [
                {"audit": claimed["id"], "name": name, "data": data} for name, data in files.items()
            ]
            if rows:
                connection.execute(audit_files.insert(), rows)
        return True

    def _change(self, claimed: sa.RowMapping, values: dict[str, Any]) -> None:
        with self._engine.begin() as connection:
            connection.execute(audits.update().where(_mine(claimed)).values(values))


def _seen(id: str, caller: Caller) -> sa.ColumnElement[bool]:
    wanted: sa.ColumnElement[bool] = _this.id == id
    return wanted if caller.sees_all else wanted & (_this.caller == caller.id)


def _mine(claimed: sa.RowMapping) -> sa.ColumnElement[bool]:
    return sa.and_(
        _this.id == claimed["id"],
        _this.status == "running",
        _this.attempts == claimed["attempts"],
    )

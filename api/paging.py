"""Lists in pages: newest first, continued by a cursor that tells nothing of its inside."""

from __future__ import annotations

import base64
import binascii
import json
import math
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import Path, Query

from assay.api.access import Caller
from assay.api.problems import InvalidRequest

MOST = 200

Id = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="Entries in this page.")]
Cursor = Annotated[
    str | None, Query(max_length=400, description="`next` of the page before; opaque.")
]


def newest_first(
    table: sa.Table, caller: Caller, *, limit: int, cursor: str | None
) -> sa.Select[Any]:
    """The query of one page of a table with `id`, `caller` and `created`, and one row more.

    Raises:
        InvalidRequest: the cursor is not one of ours.
    """
    query = sa.select(table).order_by(table.c.created.desc(), table.c.id.desc()).limit(limit + 1)
    if not caller.sees_all:
        query = query.where(table.c.caller == caller.id)
    if cursor is not None:
        created, last = _place(cursor)
        query = query.where(sa.tuple_(table.c.created, table.c.id) < sa.tuple_(created, last))
    return query


def cursor_after(created: float, last: str) -> str:
    """Where the next page goes on."""
    return encode([created, last])


def encode(place: object) -> str:
    """Any JSON as a cursor."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def decode(cursor: str) -> Any:
    """What `encode` was given.

    Raises:
        InvalidRequest: the cursor is not one of ours.
    """
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
        written = json.dumps(place, ensure_ascii=False)
        written.encode()  # half of a surrogate pair is no text for a database
        if "\\u0000" in written:
            raise ValueError("a null character")
        return place
    except (binascii.Error, ValueError) as error:
        raise InvalidRequest("cursor: not one that this service gave") from error


def _place(cursor: str) -> tuple[float, str]:
    place = decode(cursor)
    if not (isinstance(place, list) and len(place) == 2):
        raise InvalidRequest("cursor: not one that this service gave")
    created, last = place
    if not isinstance(created, float) or not math.isfinite(created) or not isinstance(last, str):
        raise InvalidRequest("cursor: not one that this service gave")
    return created, last

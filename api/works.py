"""`/v1/works`: the registry of known works."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from pydantic import BaseModel, Field

from assay.api.access import Caller, require
from assay.api.capacity import slot
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.pages import work_pictures
from assay.api.paging import Cursor, Id, Limit, decode, encode
from assay.api.problems import InvalidRequest, responses
from assay.api.records import open_database
from assay.api.uploads import Line, ManyLines, OneLine, read_media
from assay.provenance.matching import Registry
from assay.provenance.matching.errors import NotRegistered
from assay.provenance.matching.works import Work, WorkKind
from assay.settings import settings

router = APIRouter(
    prefix="/v1/works", tags=["works"], route_class=IdempotentRoute, responses=responses()
)
MayRegister = Annotated[Caller, Depends(require("works"))]


class Works(BaseModel):
    """A page of works, by id."""

    items: list[Work]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@router.post(
    "",
    status_code=201,
    summary="Register a work",
    responses={
        201: {
            "description": "Registered; it is found as of now.",
            "headers": {"Location": {"schema": {"type": "string"}}},
        },
        **responses(400, 409, 413, 415, 422, 503),
    },
)
def create_work(
    caller: MayRegister,
    response: Response,
    file: Annotated[UploadFile, File(description="Picture or video of the work.")],
    id: Annotated[
        str | None,
        Form(
            min_length=1,
            max_length=200,
            pattern=r"^[A-Za-z0-9._:-]+$",
            description="Your own id; default: a random one.",
        ),
    ] = None,
    title: Line = "",
    rights_holder: Line = "",
    licence: Annotated[OneLine, Form(description="SPDX id or name.")] = "",
    terms: Annotated[ManyLines, Form(description="Address or text of the terms of use.")] = "",
    training_opt_out: Annotated[
        bool, Form(description="Reserved against use for training.")
    ] = False,
    sources: Annotated[list[OneLine], Form(description="Where it is published.")] = [],  # noqa: B006
    valid_from: Annotated[datetime | None, Form()] = None,
    valid_until: Annotated[datetime | None, Form()] = None,
    registrant: Line = "",
    dispute: Annotated[OneLine, Form(description="Address for disputes.")] = "",
    kind: Annotated[WorkKind, Form()] = "photograph",
    local_search: Annotated[
        bool | None, Form(description="Find crops and collages of it too.")
    ] = None,
    idempotency_key: IdempotencyKey = None,
) -> Work:
    """Only fingerprints are kept; the file is not."""
    fields: dict[str, Any] = {
        "title": title,
        "rights_holder": rights_holder,
        "licence": licence,
        "terms": terms,
        "training_opt_out": training_opt_out,
        "sources": tuple(sources),
        "valid_from": valid_from,
        "valid_until": valid_until,
        "registrant": registrant,
        "dispute": dispute,
        "kind": kind,
        "local_search": local_search,
    }
    work = Work.parse(fields if id is None else {**fields, "id": id})
    media = read_media(file)
    with slot(), Registry(settings().registry_url) as registry:
        registry.add(media, work)
    response.headers["Location"] = f"/v1/works/{work.id}"
    return work


@router.get("", summary="Registered works", responses=responses(422))
def list_works(caller: MayRegister, limit: Limit = 50, cursor: Cursor = None) -> Works:
    """By id. The registry is shared: every caller with the scope `works` sees all of it."""
    after = decode(cursor) if cursor is not None else ""
    if not isinstance(after, str):
        raise InvalidRequest("cursor: not one that this service gave")
    registry = Registry.open_existing(settings().registry_url)
    if registry is None:
        return Works(items=[], next=None)
    with (
        registry,
        closing(cast(Generator[Work, None, None], registry.works(after=after))) as listed,
    ):
        found = list(islice(listed, limit + 1))
    more = len(found) > limit
    return Works(items=found[:limit], next=encode(found[limit - 1].id) if more else None)


@router.get("/{id}", summary="One registered work", responses=responses(404, 422))
def get_work(caller: MayRegister, id: Id) -> Work:
    """What its registrant said about it."""
    with _registry_with(id) as registry:
        return registry.work(id)


@router.delete("/{id}", status_code=204, summary="Remove a work", responses=responses(404, 422))
def delete_work(caller: MayRegister, id: Id) -> None:
    """From now on nothing finds it."""
    with _registry_with(id) as registry:
        registry.remove(id)
    work_pictures.forget(open_database(), id)


def _registry_with(id: str) -> Registry:
    registry = Registry.open_existing(settings().registry_url)
    if registry is None:
        raise NotRegistered(f"no work {id!r} is registered")
    return registry

"""`/v1/uploads`: files that go past the service, into its bucket."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from assay.api.access import Caller, require
from assay.api.direct_uploads.store import URL_SECONDS, DirectUpload, key_of
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.paging import Id
from assay.api.problems import responses
from assay.api.records.store import new_id
from assay.api.runtime import Runtime, runtime_of
from assay.api.uploads import last_part, refuse_by_size

router = APIRouter(tags=["uploads"], route_class=IdempotentRoute, responses=responses())

MayVerify = Annotated[Caller, Depends(require("verify"))]
Parts = Annotated[Runtime, Depends(runtime_of)]

_ID = "8c0e6f1b2a7d4e5f9b3c1d2e3f4a5b6c"


class NewUpload(BaseModel):
    """What is going to be put."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "harbour.mp4", "size": 41_000_000}]},
    )

    name: str | None = Field(default=None, max_length=1000, description="Of the file, for people.")
    size: int | None = Field(
        default=None, ge=0, description="Bytes; a file over the limit is refused before it is sent."
    )


class Upload(BaseModel):
    """A file that is put, or is to be put, into the bucket."""

    id: str = Field(examples=[_ID])
    expires: datetime = Field(
        description="Until then a PUT may begin.", examples=["2026-11-21T05:48:20.100000Z"]
    )
    kept_until: datetime = Field(
        description="Until then it can be examined; then it is deleted.",
        examples=["2026-11-21T06:33:20.100000Z"],
    )


class PermittedUpload(Upload):
    """Where to put the file. Whoever knows the address can do so: keep it to yourself."""

    method: Literal["PUT"] = "PUT"
    url: str = Field(examples=[f"https://bucket.example.org/uploads/{_ID}?X-Amz-Signature=..."])
    headers: dict[str, str] = Field(description="To be sent with the PUT.", examples=[{}])


class UploadResource(Upload):
    """An upload as it stands."""

    name: str | None = Field(default=None, examples=["harbour.mp4"])
    verification: str | None = Field(default=None, description="What was made of it.")


@router.post(
    "/v1/uploads",
    status_code=201,
    summary="Begin an upload past the service",
    responses={
        201: {"headers": {"Location": {"schema": {"type": "string"}}}},
        **responses(400, 409, 413, 422, 503),
    },
)
def create_upload(
    caller: MayVerify,
    runtime: Parts,
    new: NewUpload,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> PermittedUpload:
    """For large files: PUT the bytes to `url` within 15 minutes, without a key, then send
    `{"upload": id}` to `POST /v1/verifications`. Works where media are kept in a bucket;
    elsewhere it is refused with `direct-upload-off`, and the file is sent as multipart.
    """
    if new.size is not None:
        refuse_by_size(new.size)
    id = new_id()
    permission = runtime.store.sign_put(key_of(id), URL_SECONDS)
    upload = runtime.uploads.add(id, caller.id, last_part(new.name or ""))
    response.headers["Location"] = f"/v1/uploads/{id}"
    return PermittedUpload(**_times(upload), url=permission.url, headers=permission.headers)


@router.get("/v1/uploads/{id}", summary="One upload", responses=responses(404, 422))
def get_upload(caller: MayVerify, runtime: Parts, id: Id) -> UploadResource:
    """As it stands, without its address. Only its own caller sees it."""
    upload = runtime.uploads.find(id, caller.id)
    return UploadResource(**_times(upload), name=upload.name, verification=upload.verification)


@router.delete(
    "/v1/uploads/{id}",
    status_code=204,
    summary="Delete an upload",
    responses=responses(404, 422, 503),
)
def delete_upload(caller: MayVerify, runtime: Parts, id: Id) -> None:
    """What was put is deleted, and so is what may yet be put at the address. What was made of
    it stays: it has a `DELETE` of its own.
    """
    runtime.delete_upload(id, caller.id)


def _times(upload: DirectUpload) -> dict[str, Any]:
    return {
        "id": upload.id,
        "expires": upload.created + URL_SECONDS,
        "kept_until": upload.kept_until,
    }

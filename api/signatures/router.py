"""The operations on signatures."""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import sqlalchemy as sa
from fastapi import APIRouter, Depends, File, Form, Response, UploadFile
from pydantic import BaseModel, Field

from assay.api.access import Caller, require
from assay.api.capacity import slot
from assay.api.idempotency import IdempotencyKey, IdempotentRoute
from assay.api.operations import metrics
from assay.api.paging import Cursor, Id, Limit, cursor_after, newest_first
from assay.api.problems import InvalidRequest, UnknownAddress, responses
from assay.api.records import open_database
from assay.api.records.store import new_id
from assay.api.reservations import with_answer
from assay.api.signatures import kept_files
from assay.api.signatures.schema import signatures
from assay.api.uploads import (
    ATTACHED,
    OneLine,
    OptionalLine,
    OptionalText,
    attachment,
    file_name,
    read_media,
)
from assay.api.webhooks import forget, publish
from assay.databases import empty_log
from assay.media import Media
from assay.provenance.marking import Receipt, Signed, sign
from assay.provenance.matching import Registry
from assay.settings import settings

router = APIRouter(
    prefix="/v1/signatures",
    tags=["signatures"],
    route_class=IdempotentRoute,
    responses=responses(),
)
LONGEST_NAME = 200  # of a generator, as the manifest takes it
MaySign = Annotated[Caller, Depends(require("sign"))]


class Signature(BaseModel):
    """A file that was signed here; the file itself is not kept."""

    id: str = Field(examples=["4f1c6f0c5a5f4a0c9f5f0a3b7c1d2e3f"])
    created: datetime
    name: str | None = Field(description="As the caller named it.")
    media_type: str = Field(examples=["image/png"])
    size: int = Field(description="Bytes of the signed file.")
    receipt: Receipt


class Signatures(BaseModel):
    """A page of signatures, newest first."""

    items: list[Signature]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


@router.post(
    "",
    status_code=201,
    summary="Mark and sign a file",
    response_class=Response,
    responses={
        201: {
            "description": "The marked and signed file, of the same format. It is not kept: send "
            "an Idempotency-Key to be able to ask for it again.",
            "content": {"application/octet-stream": {"schema": {"type": "string"}}},
            "headers": {
                "Location": {
                    "description": "Address of the receipt.",
                    "schema": {"type": "string"},
                },
                "Assay-Manifest": {
                    "description": "Label of the C2PA manifest.",
                    "schema": {"type": "string"},
                },
            },
        },
        **responses(400, 409, 413, 415, 422, 503),
    },
)
def create_signature(
    caller: MaySign,
    file: Annotated[UploadFile, File(description="Picture or video to sign.")],
    profile: Annotated[
        Literal["generated", "edited", "captured"],
        Form(description="What happened: made by AI, edited with AI, captured by a camera."),
    ] = "generated",
    parent: Annotated[
        UploadFile | None, File(description="What was edited; with `edited` only.")
    ] = None,
    generator: Annotated[
        OneLine | None, Form(max_length=LONGEST_NAME, description="Name of the model or tool.")
    ] = None,
    generator_version: OptionalLine = None,
    title: OptionalLine = None,
    prompt: OptionalText = None,
    negative_prompt: OptionalText = None,
    seed: Annotated[int | None, Form(ge=0, lt=2**63)] = None,
    prompt_policy: Annotated[
        Literal["omit", "commit", "full"],
        Form(description="Leave the prompt out, commit to it by a keyed hash, or write it."),
    ] = "omit",
    training: Annotated[
        Literal["allowed", "notAllowed"] | None, Form(description="Use for AI training.")
    ] = None,
    watermark: Annotated[bool, Form(description="Embed the invisible watermark too.")] = True,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Every mark is written, read back as a stranger would read it, and registered; only then
    the file is answered. The answer is a download and its receipt is at `Location`."""
    if profile == "edited" and parent is None:
        raise InvalidRequest("parent: the profile `edited` needs the file that was edited")
    if profile != "edited" and parent is not None:
        raise InvalidRequest(f"parent: belongs to the profile `edited`, not `{profile}`")
    media = read_media(file)
    context: dict[str, Any] = {
        "generator": generator or None,
        "generator_version": generator_version or None,
        "title": title or None,
        "prompt": prompt or None,
        "negative_prompt": negative_prompt or None,
        "seed": seed,
        "prompt_policy": prompt_policy,
        "training": training,
        "watermark": watermark,
    }
    with slot(), ExitStack() as held, Registry(settings().registry_url) as registry:
        if parent is not None:
            context["parent"] = _on_disk(read_media(parent), held)
        signed = sign(media, profile=profile, registry=registry, **context)
    metrics.SIGNATURES.labels(profile).inc()
    return _download(signed, _record(caller, signed, file_name(file)), file_name(file))


@router.get(
    "",
    summary="Signatures of this caller",
    responses=responses(422),
)
def list_signatures(caller: MaySign, limit: Limit = 50, cursor: Cursor = None) -> Signatures:
    """Newest first. A caller with the scope `admin` sees those of all callers."""
    query = newest_first(signatures, caller, limit=limit, cursor=cursor)
    with open_database().connect() as connection:
        rows = connection.execute(query).mappings().all()
    more = rows[limit - 1] if len(rows) > limit else None
    return Signatures(
        items=[_signature(row) for row in rows[:limit]],
        next=cursor_after(more["created"], more["id"]) if more else None,
    )


@router.get("/{id}", summary="The receipt of one signature", responses=responses(404, 422))
def get_signature(caller: MaySign, id: Id) -> Signature:
    """What was signed, and what finds its manifest again when it was stripped."""
    with open_database().connect() as connection:
        row = connection.execute(sa.select(signatures).where(_seen(caller, id))).mappings().first()
    if row is None:
        raise UnknownAddress(f"no signature {id!r}")
    return _signature(row)


@router.delete(
    "/{id}", status_code=204, summary="Forget a signature", responses=responses(404, 422)
)
def delete_signature(caller: MaySign, id: Id) -> None:
    """The record and what is kept of the file are deleted. The manifest stays in the registry
    and the log: files that are out in the world still need it."""
    engine = open_database()
    with engine.begin() as connection:
        gone = connection.execute(signatures.delete().where(_seen(caller, id))).rowcount
        if not gone:
            raise UnknownAddress(f"no signature {id!r}")
        forget(connection, id)
    kept_files.forget(id)
    empty_log(engine)


def _record(caller: Caller, signed: Signed, name: str | None) -> str:
    row = {
        "id": new_id(),
        "caller": caller.id,
        "created": time.time(),
        "name": name,
        "media_type": signed.media.media_type,
        "size": signed.media.size,
        "receipt": signed.receipt.model_dump_json(),
    }

    def write(connection: sa.Connection) -> None:
        connection.execute(signatures.insert(), row)
        told = {"manifest": signed.receipt.manifest_label}
        publish(connection, "signature.created", str(row["id"]), owner=caller.id, data=told)

    with_answer(write)
    return str(row["id"])


def _download(signed: Signed, id: str, name: str | None) -> Response:
    return Response(
        signed.media.data,
        201,
        media_type=signed.media.media_type,
        headers={
            **ATTACHED,
            "Content-Disposition": attachment(saved_name(name)),
            "Location": f"/v1/signatures/{id}",
            "Assay-Manifest": signed.receipt.manifest_label,
        },
    )


def saved_name(name: str | None) -> str:
    """Under which name the signed file of a file is saved."""
    stem, dot, suffix = (name or "signed").rpartition(".")
    return f"{stem}.signed.{suffix}" if dot else f"{suffix}.signed"


def _on_disk(media: Media, held: ExitStack) -> Path:
    """The parent as a file: ingredients are read from their path."""
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="assay-parent-")))
    path = folder / "parent"
    path.write_bytes(media.data)
    return path


def _seen(caller: Caller, id: str) -> sa.ColumnElement[bool]:
    """The row of this id, if the caller may see it."""
    wanted = signatures.c.id == id
    return wanted if caller.sees_all else wanted & (signatures.c.caller == caller.id)


def _signature(row: sa.RowMapping) -> Signature:
    return Signature(
        id=row["id"],
        created=datetime.fromtimestamp(row["created"], UTC),
        name=row["name"],
        media_type=row["media_type"],
        size=row["size"],
        receipt=Receipt.model_validate_json(row["receipt"]),
    )

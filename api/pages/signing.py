"""The pages on which a file is signed and its receipt is read."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, File, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.concurrency import run_in_threadpool

from assay.api.access import Caller, require
from assay.api.errors import ServiceError
from assay.api.pages.refusing import PageRoute
from assay.api.pages.rendering import page
from assay.api.paging import Id
from assay.api.problems import status_of
from assay.api.signatures import kept_files
from assay.api.signatures import router as api
from assay.api.uploads import ATTACHED, Line, Text, attachment
from assay.errors import AssayError
from assay.reports.sealing import can_sign
from assay.settings import settings

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Person = Annotated[Caller, Depends(require("sign"))]

RECENT = 10


class SignedFileGone(ServiceError):
    """The signed file is no longer kept."""

    code = "signed-file-gone"
    http_status = 410


@router.get("/sign")
def show_form(request: Request, caller: Person) -> HTMLResponse:
    """What is to be signed, and what to say about it."""
    return _form(request, caller)


@router.post("/sign")
async def sign(
    request: Request,
    caller: Person,
    file: Annotated[UploadFile, File()],
    parent: Annotated[UploadFile | None, File()] = None,
    profile: Annotated[Literal["generated", "edited", "captured"], Form()] = "generated",
    generator: Line = "",
    title: Line = "",
    prompt: Text = "",
    prompt_policy: Annotated[Literal["omit", "commit", "full"], Form()] = "omit",
    training: Annotated[Literal["", "allowed", "notAllowed"], Form()] = "",
    watermark: Annotated[bool, Form()] = False,
) -> Response:
    """Sign, keep the signed file for a while, and go to its receipt."""
    has_parent = parent is not None and bool(parent.filename)
    try:
        signed = await run_in_threadpool(
            api.create_signature,
            caller,
            file,
            profile=profile,
            parent=parent if has_parent else None,
            generator=generator,
            title=title,
            prompt=prompt,
            prompt_policy=prompt_policy,
            training=training or None,
            watermark=watermark,
        )
    except AssayError as refusal:
        return await run_in_threadpool(_form, request, caller, refusal)
    signature = signed.headers["location"].rpartition("/")[2]
    await run_in_threadpool(kept_files.keep, signature, bytes(signed.body))
    return RedirectResponse(f"/signatures/{signature}", 303)


@router.get("/signatures/{id}")
def show_receipt(request: Request, caller: Person, id: Id) -> HTMLResponse:
    """What was signed, and the way to the signed file."""
    signature = api.get_signature(caller, id)
    return page(
        request, "signed.html", "sign", signature=signature, hours=settings().retention_hours
    )


@router.get("/signatures/{id}/file")
def download(caller: Person, id: Id) -> Response:
    """The signed file, as long as it is kept."""
    signature = api.get_signature(caller, id)
    data = kept_files.find(id)
    if data is None:
        raise SignedFileGone(
            "the signed file is no longer kept here", advice="sign the original again"
        )
    headers = {**ATTACHED, "Content-Disposition": attachment(api.saved_name(signature.name))}
    return Response(data, media_type=signature.media_type, headers=headers)


@router.get("/signatures/{id}/delete")
def ask_to_delete(request: Request, caller: Person, id: Id) -> HTMLResponse:
    """Deleting cannot be undone, so it is asked for twice."""
    signature = api.get_signature(caller, id)
    return page(
        request,
        "delete.html",
        "sign",
        what=f"the receipt of {signature.name or 'this file'}",
        consequence="The receipt and the signed file are deleted here. The manifest stays in "
        "the registry and the log: files that are out in the world still need it.",
        action=f"/signatures/{id}/delete",
        back=f"/signatures/{id}",
    )


@router.post("/signatures/{id}/delete")
def delete(caller: Person, id: Id) -> RedirectResponse:
    """Delete for good."""
    api.delete_signature(caller, id)
    return RedirectResponse("/sign", 303)


def _form(request: Request, caller: Caller, refusal: AssayError | None = None) -> HTMLResponse:
    return page(
        request,
        "sign.html",
        "sign",
        status=status_of(refusal) if refusal else 200,
        error=refusal,
        can_sign=can_sign(),
        recent=api.list_signatures(caller, limit=RECENT).items,
    )

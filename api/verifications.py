"""`/v1/verifications`."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, File, UploadFile

from assay.api.capacity import slot
from assay.api.problems import MEDIA_TYPE
from assay.detector.verify import verify
from assay.errors import LimitExceeded
from assay.evidence import Verification
from assay.media import Media
from assay.settings import settings

router = APIRouter(prefix="/v1/verifications", tags=["verifications"])

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {MEDIA_TYPE: {}}}
    for status, description in {
        413: "The file is over a limit (bytes, pixels, frames or seconds).",
        415: "The content is not a media type that Assay handles.",
        422: "The file is empty, damaged or a polyglot, or the request is not valid.",
        503: "Too many examinations at once; Retry-After says when to come back.",
    }.items()
}


@router.post(
    "",
    response_model=Verification,
    response_model_by_alias=True,
    responses=_PROBLEMS,
    summary="Examine one picture or video",
)
def create_verification(
    file: Annotated[UploadFile, File(description="The picture or video to examine.")],
) -> Verification:
    """Run every examiner on the uploaded file and answer with the verdict and its evidence.

    The upload is judged by its content; its name is only repeated. Nothing is stored.
    """
    with slot():
        return verify(read_upload(file))


def read_upload(file: UploadFile) -> Media:
    """Open an upload within the limits.

    Raises:
        InputRefused: as `Media.from_bytes`.
    """
    limits = settings().limits
    data = file.file.read(limits.max_bytes + 1)
    name = file.filename or None
    if len(data) > limits.max_bytes:
        raise LimitExceeded(f"{name or 'upload'}: more than {limits.max_bytes:,} bytes")
    return Media.from_bytes(data, name=name, limits=limits)

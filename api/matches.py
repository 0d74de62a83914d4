"""`/v1/matches`: which registered works a file copies."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, File, UploadFile
from pydantic import BaseModel, Field

from assay.api.access import Caller, require
from assay.api.capacity import slot
from assay.api.problems import responses
from assay.api.uploads import read_media
from assay.provenance.matching import Registry
from assay.provenance.matching.receipts import Match
from assay.provenance.matching.works import Work
from assay.settings import settings

router = APIRouter(prefix="/v1/matches", tags=["works"])


class FoundWork(Match):
    """A registered work that the file may copy, and what is registered about it."""

    work: Work


class Matches(BaseModel):
    """Every registered work that the file may copy, best first."""

    sha256: str = Field(description="Of the file.")
    works: int = Field(description="How many works were searched.")
    matches: list[FoundWork]


@router.post(
    "",
    summary="Find the works that a file copies",
    responses=responses(400, 413, 415, 422, 503),
)
def create_match(
    caller: Annotated[Caller, Depends(require("verify"))],
    file: Annotated[UploadFile, File(description="Picture or video.")],
) -> Matches:
    """Copies are found after crops, resizes, filters and re-encoding. The file is not kept.

    Exact distances would tell a forger whether an edit brings them nearer to a work, so only
    callers with the scope `works` who said who they are get them; others get bands.
    """
    media = read_media(file)
    disclose = caller.may("works") and not caller.anonymous
    registry = Registry.open_existing(settings().registry_url)
    if registry is None:
        return Matches(sha256=media.sha256, works=0, matches=[])
    with slot(), registry:
        found = registry.match(media, disclose=disclose)
        matches = [FoundWork(**dict(match), work=registry.work(match.work_id)) for match in found]
        count = registry.stats()["works"]
    return Matches(sha256=media.sha256, works=count, matches=matches)

"""What `/v1/verifications` takes and gives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from assay.api.errors import ServiceError
from assay.api.problems import Problem
from assay.api.records.store import Priority, Status
from assay.evidence import Verification

MOST_HASHES = 1000
_ID = "521c2c05664b7557afb44790ea59c413"
_SHA256 = "945df306f127a6012259cb6b4694cd1f0f5b5f0a6a3c9f0e8d1b2c7a4e6f9083"


class NotFinished(ServiceError):
    """The verification has no result yet."""

    code = "not-finished"
    http_status = 409

    def headers(self) -> dict[str, str]:
        return {"Retry-After": "2"}


class UrlInputOff(ServiceError):
    """This service does not fetch addresses."""

    code = "url-input-off"
    http_status = 403


UploadId = Annotated[str, Field(pattern="^[0-9a-f]{32}$", examples=[_ID])]


class Source(BaseModel):
    """Where a picture or video is: at an address, or in the bucket; one of the two."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["upload"]}]},
    )

    url: str | None = Field(
        default=None,
        max_length=8000,
        description="To be fetched, where this service allows it.",
        examples=["https://example.org/picture.jpg"],
    )
    upload: UploadId | None = Field(
        default=None, description="Id of `POST /v1/uploads`, once the file was put."
    )
    priority: Priority = "live"


class Accepted(BaseModel):
    """The examination goes on; ask again at `Location`."""

    id: str = Field(examples=[_ID])
    status: Status = Field(examples=["queued"])


class VerificationSummary(BaseModel):
    """A verification as a line of a list."""

    id: str = Field(examples=[_ID])
    status: Status = Field(examples=["done"])
    created: datetime = Field(examples=["2026-11-21T05:33:20.100000Z"])
    finished: datetime | None = Field(default=None, examples=["2026-11-21T05:33:20.600000Z"])
    name: str | None = Field(
        default=None, description="As the caller named the file.", examples=["upload.jpg"]
    )
    sha256: str = Field(examples=[_SHA256])
    category: str | None = Field(
        default=None, description="Of the verdict, when done.", examples=["generated"]
    )


class VerificationResource(VerificationSummary):
    """A verification as it stands: `verification` when done, `problem` when failed."""

    verification: Verification | None = None
    problem: Problem | None = None


class VerificationPage(BaseModel):
    """Newest first."""

    items: list[VerificationSummary]
    next: str | None = Field(description="Cursor of the next page; null on the last one.")


class Hashes(BaseModel):
    """Files that a client has."""

    model_config = ConfigDict(extra="forbid")

    sha256: list[Annotated[str, Field(pattern="^[0-9a-f]{64}$")]] = Field(
        min_length=1, max_length=MOST_HASHES, examples=[[_SHA256]]
    )


class Known(BaseModel):
    """A file that was verified before."""

    sha256: str = Field(examples=[_SHA256])
    verification: str = Field(
        description="Id of the caller's newest verification of it.", examples=[_ID]
    )


class Checked(BaseModel):
    """Which files need no upload."""

    known: list[Known]
    unknown: list[str]

"""`/v1/keys` for administrators, and `/v1/caller` for everyone who wants to know who they are."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials
from pydantic import AwareDatetime, BaseModel, Field

from assay.api.access.callers import Caller, Scope
from assay.api.access.keys import ROTATION_GRACE, ApiKey, KeyStore
from assay.api.access.requiring import bearer, known, require
from assay.api.paging import Id
from assay.api.problems import responses
from assay.api.records import open_database

router = APIRouter(prefix="/v1", tags=["access"], responses=responses())
Admin = Annotated[Caller, Depends(require("admin"))]


class CallerResource(BaseModel):
    """Who calls."""

    id: str = Field(examples=["key:0f3c5a7e9b1d2c4e"])
    scopes: list[Scope]


class NewKey(BaseModel):
    """The key that is wanted."""

    name: str = Field(
        min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["newsroom"]
    )
    scopes: list[Scope] = Field(min_length=1, examples=[["verify"]])
    expires: AwareDatetime | None = None


class Rotation(BaseModel):
    """How the secret is exchanged."""

    grace_hours: float = Field(
        default=ROTATION_GRACE / timedelta(hours=1),
        ge=0,
        le=24 * 90,
        description="How long the present secret goes on to work.",
    )


class KeyResource(BaseModel):
    """An API key without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    active: bool
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None = Field(description="To the minute.")
    previous_until: datetime | None = Field(description="Until when the former secret works.")


class ShownKey(KeyResource):
    """An API key with its secret, which is shown this once."""

    key: str = Field(description="Send it as `Authorization: Bearer`.")


class Keys(BaseModel):
    """Every key, oldest first."""

    items: list[KeyResource]


@router.get("/caller", summary="Who calls")
async def get_caller(
    request: Request,
    _credentials: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)],
) -> CallerResource:
    """The id that records of this caller carry, and what it may do."""
    caller = await known(request)
    return CallerResource(id=caller.id, scopes=sorted(caller.scopes))


@router.get("/keys", summary="API keys")
def list_keys(_admin: Admin) -> Keys:
    """Revoked and expired ones too."""
    return Keys(items=[KeyResource(**described(key)) for key in _store().list()])


@router.post(
    "/keys", status_code=201, summary="Create an API key", responses=responses(400, 415, 422)
)
def create_key(_admin: Admin, wanted: NewKey, response: Response) -> ShownKey:
    """The answer shows the key, once; only a hash of it is kept."""
    key, written = _store().create(wanted.name, wanted.scopes, expires=wanted.expires)
    return _shown(key, written, response)


@router.post(
    "/keys/{id}/rotate", summary="Exchange a secret", responses=responses(400, 404, 415, 422)
)
def rotate_key(_admin: Admin, id: Id, rotation: Rotation, response: Response) -> ShownKey:
    """The id and its records stay; the former secret works until its grace period is over."""
    key, written = _store().rotate(id, grace=timedelta(hours=rotation.grace_hours))
    return _shown(key, written, response)


@router.delete("/keys/{id}", status_code=204, summary="Revoke a key", responses=responses(404, 422))
def revoke_key(_admin: Admin, id: Id) -> None:
    """It is refused from the next request on; it stays in the list."""
    _store().revoke(id)


def described(key: ApiKey) -> dict[str, Any]:
    """The fields of a key that may be shown."""
    return {
        "id": key.id,
        "name": key.name,
        "scopes": list(key.scopes),
        "active": key.active,
        "created": key.created,
        "expires": key.expires,
        "revoked": key.revoked,
        "last_used": key.last_used,
        "previous_until": key.previous_until,
    }


def _shown(key: ApiKey, written: str, response: Response) -> ShownKey:
    response.headers["Cache-Control"] = "no-store"
    return ShownKey.model_validate({**described(key), "key": written})


def _store() -> KeyStore:
    return KeyStore(open_database())

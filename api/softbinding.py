"""The C2PA Soft Binding Resolution API, `/c2pa/sbr/v1`.

The answers come from `assay.provenance.softbinding`; field and path names are those of the
OpenAPI document in C2PA 2.2 and of the discovery endpoints of 2.4.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from assay.api.access import require
from assay.api.capacity import slot
from assay.api.problems import responses
from assay.provenance import softbinding
from assay.provenance.matching import Registry
from assay.provenance.vocabulary import WATERMARK_ALGORITHM
from assay.settings import settings

PREFIX = "/c2pa/sbr/v1"
MANIFEST_TYPE = "application/c2pa"

router = APIRouter(
    tags=["soft binding resolution"],
    dependencies=[Depends(require("verify"))],
    responses=responses(400),
)
discovery = APIRouter(tags=["soft binding resolution"], responses=responses())

MaxResults = Annotated[int, Query(alias="maxResults", ge=1, le=1000)]


class BindingQuery(BaseModel):
    """A soft binding and its value."""

    alg: str = Field(
        description="Algorithm of the C2PA soft binding algorithm list.",
        examples=[WATERMARK_ALGORITHM],
    )
    value: str = Field(description="base64 of the soft binding value", examples=["AAAAAAAAAAA="])


def _registry() -> Registry:
    return Registry(settings().registry_url)


@router.get(f"{PREFIX}/matches/byBinding", summary="Manifests of a soft binding value")
def get_by_binding(
    alg: str, value: str, max_results: MaxResults = softbinding.MAX_RESULTS
) -> dict[str, Any]:
    with _registry() as registry:
        return softbinding.by_binding(registry, alg, value, max_results=max_results)


@router.post(f"{PREFIX}/matches/byBinding", summary="Manifests of a soft binding value")
def post_by_binding(
    query: BindingQuery, max_results: MaxResults = softbinding.MAX_RESULTS
) -> dict[str, Any]:
    with _registry() as registry:
        return softbinding.by_binding(registry, query.alg, query.value, max_results=max_results)


@router.post(
    f"{PREFIX}/matches/byContent",
    summary="Manifests of a picture or video",
    responses=responses(400, 413, 415, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"*/*": {"schema": {}}}}},
)
async def post_by_content(
    request: Request,
    alg: str | None = None,
    hint_alg: Annotated[str | None, Query(alias="hintAlg")] = None,
    hint_value: Annotated[str | None, Query(alias="hintValue")] = None,
    max_results: MaxResults = softbinding.MAX_RESULTS,
) -> dict[str, Any]:
    """The body is the content itself. Its watermark is decoded and its look is compared."""
    from starlette.concurrency import run_in_threadpool

    return await run_in_threadpool(
        _resolve, await request.body(), alg, hint_alg, hint_value, max_results
    )


@router.get(
    PREFIX + "/manifests/{manifest_id}",
    summary="A manifest store",
    response_class=Response,
    responses={200: {"content": {MANIFEST_TYPE: {}}}, **responses(400, 404, 422)},
)
def get_manifest(
    manifest_id: str,
    return_active_manifest: Annotated[bool, Query(alias="returnActiveManifest")] = False,
) -> Response:
    with _registry() as registry:
        store = softbinding.manifest(registry, manifest_id, active_manifest=return_active_manifest)
    return Response(store, media_type=MANIFEST_TYPE)


@router.get(f"{PREFIX}/services/supportedAlgorithms", summary="Algorithms that are resolved")
def get_supported_algorithms() -> dict[str, Any]:
    return softbinding.supported_algorithms()


@router.get(f"{PREFIX}/services/capabilities", summary="What this service offers")
def get_capabilities() -> dict[str, Any]:
    return softbinding.capabilities()


@router.get(f"{PREFIX}/services/status", summary="Whether the service works")
def get_status() -> dict[str, str]:
    return softbinding.status()


@discovery.get("/.well-known/c2pa-soft-binding-resolution", summary="Where this API is")
def get_well_known(request: Request) -> dict[str, str]:
    return softbinding.well_known(str(request.base_url).rstrip("/") + PREFIX)


def _resolve(
    data: bytes,
    alg: str | None,
    hint_alg: str | None,
    hint_value: str | None,
    max_results: int,
) -> dict[str, Any]:
    with slot(), _registry() as registry:
        return softbinding.by_content(
            registry,
            data,
            alg=alg,
            hint_alg=hint_alg,
            hint_value=hint_value,
            max_results=max_results,
        )

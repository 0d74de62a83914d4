"""C2PA Soft Binding Resolution API: the answers, without the HTTP.

Query by binding or by content gives manifest identifiers; an identifier gives the manifest
store. Version 1.0.0 of the OpenAPI document in C2PA 2.2, and the discovery endpoints of
2.4 (`capabilities`, `status`, `.well-known`). Names of the JSON fields are the
specification's.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from assay.errors import AssayError, InputRefused
from assay.media import Media
from assay.provenance.claims import SoftBinding
from assay.provenance.jumbf import active_only
from assay.provenance.matching import NotRegistered, Registry
from assay.provenance.recovering import recover
from assay.provenance.vocabulary import FINGERPRINT_ALGORITHM, SPEC_VERSION, WATERMARK_ALGORITHM

_SPECIFICATION = f"{SPEC_VERSION}.0"
"""Semantic version, as the discovery documents want it."""
MAX_RESULTS = 10
"""Default of `maxResults` in the OpenAPI document."""
MAX_VALUE_CHARACTERS = 4096
"""Longest base64 value accepted in a query; a watermark value has 20 characters."""


class BadQuery(InputRefused):
    """The soft binding query is malformed."""

    code = "bad-soft-binding-query"


class UnsupportedAlgorithm(InputRefused):
    """The soft binding algorithm is not one of this service."""

    code = "unsupported-soft-binding-algorithm"


class UnknownManifest(AssayError):
    """No manifest with this identifier is registered."""

    code = "unknown-manifest"
    exit_code = 3


def supported_algorithms() -> dict[str, Any]:
    """`GET /services/supportedAlgorithms`."""
    return {
        "watermarks": [{"alg": WATERMARK_ALGORITHM}],
        "fingerprints": [{"alg": FINGERPRINT_ALGORITHM}],
    }


def by_binding(
    registry: Registry, alg: str, value: str, *, max_results: int = MAX_RESULTS
) -> dict[str, Any]:
    """`GET` and `POST /matches/byBinding`.

    Args:
        registry: where manifests are registered.
        alg: soft binding algorithm. Only watermarks name a manifest by value alone; a
            fingerprint is looked for by content, where its picture can be compared.
        value: base64 of the soft binding value.
        max_results: at least 1.

    Returns:
        `{"matches": [{"manifestId": ...}]}`, newest first.

    Raises:
        BadQuery: the value is not base64 of a value of this algorithm.
        UnsupportedAlgorithm: `alg` cannot be resolved by value.
    """
    _check_limit(max_results)
    if alg != WATERMARK_ALGORITHM:
        raise UnsupportedAlgorithm(f"{alg!r} cannot be resolved by value")
    if len(value) > MAX_VALUE_CHARACTERS:
        raise BadQuery("the value is too long")
    try:
        text = base64.b64decode(value, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadQuery("the value is not base64 of a soft binding value") from error
    payload = SoftBinding(alg, text).watermark_payload
    if payload is None:
        raise BadQuery(f"{text[:40]!r} is not a value of {alg}")
    records = registry.manifests_for_payload(payload)
    return {"matches": [{"manifestId": record.label} for record in records[:max_results]]}


def by_content(
    registry: Registry,
    data: bytes,
    *,
    alg: str | None = None,
    hint_alg: str | None = None,
    hint_value: str | None = None,
    max_results: int = MAX_RESULTS,
) -> dict[str, Any]:
    """`POST /matches/byContent`: decodes the watermark and compares fingerprints.

    Args:
        registry: where manifests are registered.
        data: the picture or video.
        alg: use only this algorithm.
        hint_alg, hint_value: a binding the caller already has; its manifests are reported
            only if the content confirms them, so a hint can narrow but never add.
        max_results: at least 1.

    Returns:
        `{"matches": [{"manifestId": ..., "similarityScore": 0-100}]}`, best first.

    Raises:
        BadQuery, UnsupportedAlgorithm: as `by_binding`.
        InputRefused: the content cannot be examined.
    """
    _check_limit(max_results)
    if alg is not None and alg not in (WATERMARK_ALGORITHM, FINGERPRINT_ALGORITHM):
        raise UnsupportedAlgorithm(f"{alg!r} is not an algorithm of this service")
    hinted: set[str] | None = None
    if hint_alg == WATERMARK_ALGORITHM and hint_value is not None:
        answer = by_binding(registry, hint_alg, hint_value, max_results=1000)
        hinted = {match["manifestId"] for match in answer["matches"]}
    found = recover(Media.from_bytes(data), registry)
    return {
        "matches": [
            {"manifestId": item.record.label, "similarityScore": item.similarity}
            for item in found
            if (alg is None or item.found_by == alg)
            and (hinted is None or item.record.label in hinted)
        ][:max_results]
    }


def manifest(registry: Registry, identifier: str, *, active_manifest: bool = False) -> bytes:
    """`GET /manifests/{manifestId}`, media type `application/c2pa`.

    Args:
        registry: where manifests are registered.
        identifier: `urn:c2pa:...`.
        active_manifest: the active manifest alone instead of the whole store.

    Raises:
        UnknownManifest: not registered.
    """
    try:
        store = registry.manifest(identifier).manifest
    except NotRegistered as error:
        raise UnknownManifest(f"no manifest {identifier!r}") from error
    return active_only(store) if active_manifest else store


def capabilities() -> dict[str, Any]:
    """`GET /services/capabilities` (2.4)."""
    return {
        "supportedCapabilities": ["queryByContent"],
        "c2paSpecificationVersion": _SPECIFICATION,
    }


def status() -> dict[str, str]:
    """`GET /services/status` (2.4)."""
    return {"status": "ok"}


def well_known(api_endpoint: str) -> dict[str, str]:
    """`/.well-known/c2pa-soft-binding-resolution` (2.4)."""
    return {"apiEndpoint": api_endpoint, "c2paSpecificationVersion": _SPECIFICATION}


def _check_limit(max_results: int) -> None:
    if max_results < 1:
        raise BadQuery("maxResults must be at least 1")

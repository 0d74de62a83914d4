"""The Python client of the service: `Client`, and `AsyncClient` for asyncio."""

from assay.api.client.asynchronous import AsyncClient
from assay.api.client.errors import (
    Conflict,
    NotPermitted,
    Overloaded,
    RemoteError,
    SignInNeeded,
    StillExamining,
    Unknown,
    Unreachable,
)
from assay.api.client.keeping import Audit, Listed
from assay.api.client.operations import FoundWork, Resource, SignedRemotely
from assay.api.client.sync import Client
from assay.api.client.uploads import Progress

__all__ = [
    "AsyncClient",
    "Audit",
    "Client",
    "Conflict",
    "FoundWork",
    "Listed",
    "NotPermitted",
    "Overloaded",
    "Progress",
    "RemoteError",
    "Resource",
    "SignInNeeded",
    "SignedRemotely",
    "StillExamining",
    "Unknown",
    "Unreachable",
]

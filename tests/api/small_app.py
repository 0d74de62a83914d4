"""A service without jobs: guards, access and whatever router a test is about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from assay.api import guards, problems
from assay.api.access import attempts, sign_in
from assay.api.access import router as access_router
from assay.api.access.keys import KeyStore
from assay.api.operations import health
from assay.api.records import open_database


def small_app(*routers: APIRouter) -> FastAPI:
    """The application."""
    app = FastAPI(title="Small")
    guards.install(app)
    problems.install(app)
    for router in (access_router.router, health.router, sign_in.router, *routers):
        app.include_router(router)
    return app


@contextmanager
def calling(
    app: FastAPI,
    *,
    key: str | None = None,
    base_url: str = "http://127.0.0.1:8000",
    address: str = "127.0.0.1",
) -> Iterator[TestClient]:
    """A client at an address, with a key or without."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    attempts.forget()
    with TestClient(
        app,
        base_url=base_url,
        client=(address, 50_000),
        headers=headers,
        raise_server_exceptions=False,
        follow_redirects=False,
    ) as client:
        yield client


def new_key(*scopes: str) -> str:
    """The written form of a new key."""
    return KeyStore(open_database()).create("test", scopes or ("verify",))[1]

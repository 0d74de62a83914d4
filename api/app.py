"""The FastAPI application."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from assay.api import guards, matches, problems, softbinding, verifications, works
from assay.api.access import router as access_router
from assay.api.access import sign_in
from assay.api.audits import router as audits_router
from assay.api.direct_uploads import router as uploads_router
from assay.api.operations import health
from assay.api.pages import routes as page_routes
from assay.api.runtime import lifespan
from assay.api.signatures import router as signatures_router
from assay.api.webhooks import routes as webhook_routes
from assay.version import __version__

_DESCRIPTION = """\
Media provenance and deepfake detection, offline. One call joins C2PA validation, watermark
detection, perceptual-hash matching, embedded metadata and a calibrated classifier into one
verdict whose evidence is kept apart. Errors are RFC 9457 problem documents.
"""


def create_app(*, warm: bool = False) -> FastAPI:
    """The service, ready for an ASGI server.

    Args:
        warm: load models when the server starts, and not when the first upload comes.
    """
    app = FastAPI(
        title="Assay",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.warm = warm
    guards.install(app)
    problems.install(app)
    app.include_router(verifications.router)
    app.include_router(uploads_router.router)
    app.include_router(signatures_router.router)
    app.include_router(works.router)
    app.include_router(matches.router)
    app.include_router(audits_router.router)
    app.include_router(webhook_routes.router)
    app.include_router(softbinding.router)
    app.include_router(softbinding.discovery)
    app.include_router(access_router.router)
    app.include_router(health.router)
    app.include_router(sign_in.router)
    app.include_router(page_routes.router)
    app.mount("/static", StaticFiles(directory=str(files("assay.api") / "static")))
    return app

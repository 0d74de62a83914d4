"""The FastAPI application."""

from __future__ import annotations

from importlib.resources import files

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from assay.api import page, problems, softbinding, verifications
from assay.api.body_limit import BodyLimit
from assay.settings import settings
from assay.version import __version__

# Multipart framing and the few text fields around one file.
_FORM_OVERHEAD = 100_000

_DESCRIPTION = """\
Media provenance and deepfake detection, offline. One call joins C2PA validation, watermark
detection, perceptual-hash matching, embedded metadata and a calibrated classifier into one
verdict whose evidence is kept apart. Errors are RFC 9457 problem documents.
"""


def create_app() -> FastAPI:
    """The service, ready for an ASGI server."""
    app = FastAPI(
        title="Assay",
        version=__version__,
        description=_DESCRIPTION,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(BodyLimit, max_bytes=settings().limits.max_bytes + _FORM_OVERHEAD)
    problems.install(app)
    app.include_router(verifications.router)
    app.include_router(softbinding.router)
    app.include_router(page.router)
    app.mount("/static", StaticFiles(directory=str(files("assay.api") / "static")))

    @app.get("/healthz", tags=["operations"], summary="Whether the process answers")
    def healthz() -> dict[str, str]:
        return {"status": "ok", "version": __version__}

    return app

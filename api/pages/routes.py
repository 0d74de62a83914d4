"""Every page."""

from __future__ import annotations

from fastapi import APIRouter

from assay.api.pages import audits, reference, signing, status, verifying, works

router = APIRouter()
for part in (verifying, signing, works, audits, status, reference):
    router.include_router(part.router)

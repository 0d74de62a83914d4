"""What is made from a finished verification: pictures, and the report to take away."""

from __future__ import annotations

import io
import os
import re
import tempfile
import zipfile
from typing import IO

from assay.api.examining import render
from assay.api.pages.credentials import labels
from assay.api.pages.explaining import unpack
from assay.api.pages.result import recovered_label
from assay.api.records import Record
from assay.api.runtime import Runtime
from assay.api.verification_resources import NotFinished
from assay.detector.plates import Explanation
from assay.evidence import Verification
from assay.provenance.credentials import Credentials
from assay.provenance.jumbf import claim_thumbnails, find_store
from assay.provenance.matching import NotRegistered, Registry
from assay.provenance.reading import read
from assay.settings import settings

_NUMBERED = re.compile(r"manifest-([0-9]{1,2})")
ANOTHER_FILE = b"-"  # the original is not here; its manifest is read beside something else
ASSERTION = "org.assay.verification.v1"


def picture(runtime: Runtime, record: Record, name: str) -> bytes | None:
    """A picture of the page as PNG, or None when there is none.

    Args:
        name: `thumbnail`; `manifest-N` for the preview in the Nth manifest of the file's
            history; `recovered` for the one in a recovered manifest.
    """
    if name == "thumbnail":
        return runtime.picture(record, name)
    if record.result is None:
        return None
    verification = Verification.model_validate_json(record.result)
    if name == "recovered":
        found = _recovered_preview(verification)
    elif numbered := _NUMBERED.fullmatch(name):
        found = _own_preview(runtime, record, verification, int(numbered[1]))
    else:
        found = None
    if not found:
        return None
    return drawn_anew(runtime, found)


def drawn_anew(runtime: Runtime, data: bytes) -> bytes | None:
    """A small PNG of a picture that nobody trusts, decoded in a child process."""
    with _file(data) as file:
        return render(runtime.pictures, file, "thumbnail")


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG that we made, from its header (PNG, 11.2.1)."""
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def explanation(runtime: Runtime, record: Record) -> Explanation | None:
    """What stands behind the classifier's score; None without media or without a score."""
    packed = runtime.picture(record, "explanation")
    return unpack(packed) if packed else None


def archive(runtime: Runtime, record: Record) -> bytes:
    """A ZIP of `report.html` and `report.json`, each with the C2PA manifest that signs it.

    Raises:
        NotFinished: there is no result yet.
        KeysUnavailable, MarkFailed: as `Seal.detached`.
    """
    from assay.reports.sealing import DETACHED_SUFFIX, MEDIA_TYPES, Seal, can_sign
    from assay.reports.verification import render_html

    if record.result is None:
        raise NotFinished("there is no result to report")
    verification = Verification.model_validate_json(record.result)
    html = render_html(
        verification,
        picture=runtime.picture(record),
        explanation=explanation(runtime, record) if scored(verification) else None,
    )
    documents = {"report.html": html.encode(), "report.json": record.result.encode()}
    if can_sign():
        facts = {"sha256": record.sha256, "category": verification.verdict.category}
        seal = Seal(title="Verification", facts=facts, assertion=ASSERTION)
        for name, data in list(documents.items()):
            media_type = MEDIA_TYPES[name[name.index(".") :]]
            documents[name + DETACHED_SUFFIX] = seal.detached(data, media_type)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as whole:
        for name, data in documents.items():
            whole.writestr(name, data)
    return packed.getvalue()


def scored(verification: Verification) -> bool:
    """Whether a classifier said something that can be explained."""
    return any(item.kind == "detector" for item in verification.evidence)


def _own_preview(
    runtime: Runtime, record: Record, verification: Verification, number: int
) -> bytes | None:
    """The preview in a manifest that the file itself carries."""
    if record.media is None:
        return None
    with runtime.store.get(record.media) as file:
        store = find_store(file.read())
    if store is None:
        return None
    for item in verification.evidence:
        names = labels(item.details)
        if item.kind in ("provenance", "integrity") and "state" in item.details:
            return claim_thumbnails(store).get(names[number]) if number < len(names) else None
    return None


def _recovered_preview(verification: Verification) -> bytes | None:
    """The preview in the manifest that the registry holds of the original."""
    label, manifest = recovered_label(verification), _recovered_manifest(verification)
    return claim_thumbnails(manifest).get(label) if label and manifest else None


def original(verification: Verification) -> Credentials | None:
    """What the credentials of the signed original say; None when none were recovered.

    They hold for the original alone, byte for byte, so whether they hold is not said here.
    """
    manifest = _recovered_manifest(verification)
    if manifest is None:
        return None
    return read(ANOTHER_FILE, manifest=manifest, media_type="application/octet-stream")


def _recovered_manifest(verification: Verification) -> bytes | None:
    """The manifest that the registry holds of the original."""
    label = recovered_label(verification)
    registry = Registry.open_existing(settings().registry_url) if label else None
    if label is None or registry is None:
        return None
    with registry:
        try:
            return registry.manifest(label).manifest
        except NotRegistered:
            return None


def _file(data: bytes) -> IO[bytes]:
    """Bytes as an open file that a child process can be handed."""
    made: IO[bytes]
    if hasattr(os, "memfd_create"):
        made = os.fdopen(os.memfd_create("assay-preview"), "w+b")
    else:
        made = tempfile.TemporaryFile()  # noqa: SIM115
    made.write(data)
    made.flush()
    made.seek(0)
    return made

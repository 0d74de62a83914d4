"""Signing reports: C2PA manifests, embedded in a PDF, detached for HTML and JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import InputRefused, UnreadableFile
from assay.settings import settings

if TYPE_CHECKING:
    from assay.provenance.credentials import Credentials

ASSERTION = "org.assay.audit.v1"
DETACHED_SUFFIX = ".c2pa"
MEDIA_TYPES = {".html": "text/html", ".json": "application/json", ".pdf": "application/pdf"}


@dataclass(frozen=True)
class Seal:
    """Signs every document of one report with the installed signer.

    Attributes:
        title: shown to readers of the manifest.
        facts: the assertion that binds the report to what was audited or verified.
        assertion: label of that assertion.
    """

    title: str
    facts: dict[str, Any]
    assertion: str = ASSERTION

    def detached(self, data: bytes, media_type: str) -> bytes:
        """The manifest store to keep beside a document.

        Raises:
            KeysUnavailable: the signer is not usable.
            MarkFailed: the result does not read back.
        """
        from assay.provenance.signing import sign_detached

        return sign_detached(data, media_type, self._manifest())

    def embedded_in_pdf(self, data: bytes) -> bytes:
        """The PDF with its manifest inside; errors as `detached`."""
        from assay.provenance.signing import embed

        return embed(data, "application/pdf", self._manifest(), thumbnail=False)[0]

    def _manifest(self) -> Any:
        from assay.provenance import manifests
        from assay.provenance.vocabulary import DigitalSourceType

        manifest = manifests.generated(
            manifests.CLAIM_GENERATOR,
            source_type=DigitalSourceType.ALGORITHMIC_MEDIA,
            title=self.title,
        )
        return manifest.with_assertion(self.assertion, self.facts)


def can_sign() -> bool:
    """Whether a signing identity is installed, usable or not."""
    from assay.provenance.keys import SIGNER_KEY

    return (settings().keys_folder / SIGNER_KEY).is_file()


def verify_report(path: str | Path) -> Credentials:
    """Read and validate the signature of a report.

    Args:
        path: report.html or report.json with its `.c2pa` file beside it, or report.pdf.

    Raises:
        UnreadableFile: the report cannot be read.
        InputRefused: it is none of the three, or its detached manifest is missing.
    """
    from assay.provenance.reading import read

    path = Path(path)
    media_type = MEDIA_TYPES.get(path.suffix.lower())
    if media_type is None:
        raise InputRefused(f"{path}: not a report", advice="a report is .html, .json or .pdf")
    beside = path.with_name(path.name + DETACHED_SUFFIX)
    try:
        data = path.read_bytes()
        manifest = None if media_type == MEDIA_TYPES[".pdf"] else beside.read_bytes()
    except FileNotFoundError as error:
        missing = "no such file" if error.filename == str(path) else f"no signature {beside.name}"
        raise UnreadableFile(f"{path}: {missing}") from error
    except OSError as error:
        raise UnreadableFile(f"{error.filename}: {error.strerror}") from error
    return read(data, manifest=manifest, media_type=media_type)

"""What can be said about a file without a picture: its provenance, and what was not examined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from assay.detector.judge import Judge
from assay.detector.verify import in_order
from assay.evidence import Evidence, Software, Verification
from assay.provenance.documents import Document
from assay.provenance.examiner import C2paExaminer
from assay.provenance.reading import read
from assay.version import __version__

Unscored = Literal["watermark", "fingerprint", "metadata", "detector"]


def verify_document(
    document: Document,
    *,
    judge: Judge | None = None,
    fetch: Callable[[str], bytes] | None = None,
) -> Verification:
    """As `assay.verify`, for sound, PDF, SVG and pages with a detached manifest.

    Args:
        document: what to examine.
        judge: default: the standard rules.
        fetch: gets a manifest that is elsewhere; see `assay.provenance.reading.read`.

    Returns:
        A verdict from the manifest alone; everything that needs pixels is "not scored".
    """
    examiner = C2paExaminer()
    credentials = read(
        document.data,
        manifest=document.manifest,
        media_type=document.media_type,
        fetch=fetch,
    )
    found = [*examiner.evidence_of(credentials)]
    found.extend(_not_scored(name, document.media_type) for name in get_args(Unscored))
    evidence = in_order(found)
    return Verification(
        media=document.summary(),
        verdict=(judge or Judge()).decide(evidence),
        evidence=evidence,
        software=Software(version=__version__, examiners={examiner.name: examiner.version}),
    )


def _not_scored(name: Unscored, media_type: str) -> Evidence:
    return Evidence(
        examiner=name,
        version=__version__,
        kind="not-scored",
        finding="not-scored",
        points_to="nothing",
        strength="weak",
        summary=f"Assay examines pictures and videos for this, not {media_type}.",
    )

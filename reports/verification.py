"""A verification as one self-contained HTML page.

The verdict is words, never a traffic light; every piece of evidence stands by itself, and
what was not scored is listed beside what was.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import AssayError
from assay.evidence import Kind
from assay.reports.details import details_of
from assay.reports.headlines import headline
from assay.reports.rendering.page import render

if TYPE_CHECKING:
    from assay.detector.plates import Explanation
    from assay.evidence import Evidence, Verification
    from assay.media import Media

KIND_TITLES: dict[Kind, str] = {
    "provenance": "Signed provenance (C2PA)",
    "watermark": "Invisible watermark",
    "fingerprint": "Known works",
    "integrity": "Integrity",
    "metadata": "Metadata",
    "detector": "Classifier",
    "not-scored": "Not scored",
}
POINTS_TO = {
    "generated": "points to AI generation",
    "captured": "points to a capture",
    "edited": "points to an edit",
    "altered": "points to a change after marking",
    "known-work": "points to a known work",
    "nothing": "points nowhere",
}
THUMBNAIL_SIDE = 640  # pixels; enough to recognise a picture, small enough to mail the page


@dataclass(frozen=True)
class EvidenceGroup:
    """All evidence of one kind."""

    title: str
    evidence: tuple[Evidence, ...]


def render_html(
    verification: Verification,
    *,
    picture: bytes | None = None,
    explanation: Explanation | None = None,
    title: str | None = None,
    back: str | None = None,
) -> str:
    """The page for one verification.

    Args:
        picture: PNG to show, such as `thumbnail(media)` gives; embedded as data.
        explanation: what `assay.detector.explain` says and draws, shown folded.
        title: default the media's name.
        back: address of a page on which the next picture can be examined.

    Returns:
        HTML without scripts and without any external reference; the same bytes for the
        same arguments.
    """
    cited = set(verification.verdict.because)
    return render(
        "verification.html",
        title=title or verification.media.name or "Verification",
        verification=verification,
        headline=headline(verification),
        groups=_groups(verification),
        cited=cited,
        points_to=POINTS_TO,
        details=details_of,
        picture=data_uri(picture),
        explanation=explanation,
        data_uri=data_uri,
        back=back,
        asked=asked_hosts(verification),
    )


def asked_hosts(verification: Verification) -> list[str]:
    """Hosts of servers that were asked for a manifest while this was examined."""
    from urllib.parse import urlsplit

    asked = [
        urlsplit(str(item.details["remote_url"])).hostname or "A server"
        for item in verification.evidence
        if item.details.get("remote_url")
        and (item.finding != "manifest-elsewhere" or item.details.get("asked"))
    ]
    return list(dict.fromkeys(asked))


def page_of(verification: Verification, media: Media, *, back: str | None = None) -> str:
    """The page for one verification with the picture and what stands behind its score.

    Explaining takes a second or two; where it fails, the page says nothing about it that the
    evidence does not say already.

    Raises:
        DamagedMedia: the content does not decode.
    """
    from assay.detector.explanation import explain

    explanation = None
    if any(e.kind == "detector" for e in verification.evidence):
        try:
            explanation = explain(media)
        except AssayError:
            explanation = None
    return render_html(verification, picture=thumbnail(media), explanation=explanation, back=back)


def thumbnail(media: Media) -> bytes:
    """A small upright sRGB PNG of media, without any metadata, for `render_html`.

    Raises:
        DamagedMedia: the content does not decode.
    """
    import io

    from PIL import Image

    image = Image.fromarray(media.pixels())
    image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _groups(verification: Verification) -> list[EvidenceGroup]:
    groups = []
    for kind in KIND_TITLES:
        found = tuple(e for e in verification.evidence if e.kind == kind)
        if found and kind != "not-scored":
            groups.append(EvidenceGroup(KIND_TITLES[kind], found))
    return groups


def data_uri(png: bytes | None) -> str | None:
    """A PNG as an address that needs no network."""
    if png is None:
        return None
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")

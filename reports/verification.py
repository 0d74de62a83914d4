"""A verification as one self-contained HTML page.

The verdict is words, never a traffic light; every piece of evidence stands by itself, and
what was not scored is listed beside what was.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError
from assay.evidence import Category, Kind
from assay.reports.rendering.page import render

if TYPE_CHECKING:
    from assay.detector.plates import Explanation
    from assay.evidence import Evidence, Verification
    from assay.media import Media

HEADLINES: dict[Category, str] = {
    "generated": "Made with generative AI",
    "captured": "Captured by a camera",
    "edited": "A capture that was edited",
    "altered": "Changed after it was marked",
    "likely-generated": "Probably made with generative AI",
    "inconclusive": "The evidence does not decide",
    "no-evidence": "No evidence either way",
}
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
LONGEST_DETAIL = 2_000  # characters; manifests of some editors run to megabytes


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
        headline=HEADLINES[verification.verdict.category],
        groups=_groups(verification),
        cited=cited,
        points_to=POINTS_TO,
        details=detail_rows,
        picture=data_uri(picture),
        explanation=explanation,
        data_uri=data_uri,
        back=back,
    )


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


def detail_rows(evidence: Evidence) -> list[tuple[str, str]]:
    """Details as rows of text; what is empty says nothing and is left to the JSON."""
    empty: tuple[object, ...] = (None, "", [], {}, ())
    rows = [(_words(name), value) for name, value in evidence.details.items()]
    return [(name, _shortened(_text(value))) for name, value in rows if value not in empty]


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return "; ".join(f"{_words(str(name))}: {_text(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        nested = any(isinstance(item, Mapping | list | tuple) for item in value)
        return (" | " if nested else ", ").join(_text(item) for item in value)
    return str(value)


def _shortened(text: str) -> str:
    if len(text) > LONGEST_DETAIL:
        return text[:LONGEST_DETAIL] + f" … ({len(text):,} characters; all are in the JSON)"
    return text


def data_uri(png: bytes | None) -> str | None:
    """A PNG as an address that needs no network."""
    if png is None:
        return None
    return "data:image/png;base64," + base64.b64encode(png).decode("ascii")

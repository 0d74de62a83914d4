"""What can be asked of each file. A task is a function of media and options, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from assay.media import Media
from assay.settings import settings

if TYPE_CHECKING:
    from assay.evidence import Verification
    from assay.provenance.matching import Registry

Answer = tuple[str, dict[str, Any]]
"""A word to count by, and the details behind it."""

Task = Callable[[Media, dict[str, Any]], Answer]


def verify(media: Media, options: dict[str, Any]) -> Answer:
    """The verdict's category; the whole verification, without the hour it was made."""
    from assay.detector.verify import verify as verify_media

    verification = verify_media(media)
    return verification.verdict.category, _verification(verification)


def fingerprint(media: Media, options: dict[str, Any]) -> Answer:
    """PDQ of the picture, or of a video's first frame, in hex, as ThreatExchange has it."""
    from assay.provenance.matching.normalising import normalise_v0
    from assay.provenance.matching.pdq import SmoothLuma

    smooth = SmoothLuma.of(normalise_v0(media.pixels()))
    return smooth.bits().hex(), {"quality": smooth.quality}


def watermark(media: Media, options: dict[str, Any]) -> Answer:
    """Whether our watermark is in the picture or video, and what it says."""
    from assay.provenance.keys import watermark_key
    from assay.provenance.watermarking import find

    found = find(media, key=watermark_key())
    if found is None:
        return "no-watermark", {}
    return "watermark", {
        "payload": f"{found.payload:015x}",
        "payload_bits": found.payload_bits,
        "log10_false_alarm": found.log10_false_alarm,
    }


def screen(media: Media, options: dict[str, Any]) -> Answer:
    """Which registered works the picture copies; the answer is the strongest decision.

    Option `registry`: path of a registry; default: the one of the process's settings.
    """
    registry = _registry(options.get("registry") or settings().registry_url)
    matches = registry.match(media)
    if not matches:
        return "no-match", {}
    works = {match.work_id: registry.work(match.work_id) for match in matches}
    return matches[0].decision, {
        "matches": [
            match.model_dump(mode="json", exclude={"receipt": {"created"}})
            | {
                "title": works[match.work_id].title,
                "training_opt_out": works[match.work_id].training_opt_out,
            }
            for match in matches
        ]
    }


TASKS: dict[str, Task] = {
    "verify": verify,
    "fingerprint": fingerprint,
    "watermark": watermark,
    "screen": screen,
}


@cache
def _registry(url: str) -> Registry:
    from assay.provenance.matching import Registry

    return Registry(url, create=False)


def _verification(verification: Verification) -> dict[str, Any]:
    """Without the hours at which it and its receipts were made: a repeated scan says the same."""
    document = verification.model_dump(mode="json", exclude={"created"})
    for evidence in document["evidence"]:
        if isinstance(receipt := evidence["details"].get("receipt"), dict):
            receipt.pop("created", None)
    return document

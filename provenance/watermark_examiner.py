"""The watermark as evidence: found, registered, and does it belong to this picture?

A mark can be copied from one picture to another. So a payload alone proves nothing about
the pixels around it: the registry keeps a fingerprint of the picture each payload was given
to, and the picture at hand must resemble it.
"""

from __future__ import annotations

from typing import Any

from assay.evidence import Evidence, PointsTo, Strength
from assay.media import Media
from assay.provenance import watermarking
from assay.provenance.credentials import Credentials
from assay.provenance.keys import watermark_key
from assay.provenance.matching import ManifestRecord, shared_registry
from assay.provenance.reading import read
from assay.provenance.vocabulary import WATERMARK_ALGORITHM
from assay.settings import settings
from assay.watermark import Detection
from assay.watermark.images import native_tile

WHOLE_SHARE = 0.5
"""Share of the area from which on a picture counts as the signed one: a screenshot with its window
frame has more, an illustration on a page less. Crops that show less than this of the registered
picture are too often not recognised for that to mean that the mark was copied (measured: 20 of 46
crops to an eighth, none of 56 to a half)."""


class WatermarkExaminer:
    """Looks for the watermark of this machine's key and for the manifest it names.

    Findings: `no-watermark`, `watermark-unregistered`, `watermark-agrees`,
    `watermark-disagrees`, `watermark-copied`, `watermark-unconfirmed`, `manifest-recovered`,
    `signed-part`.
    """

    name = "watermark"
    version = WATERMARK_ALGORITHM

    def examine(self, media: Media) -> list[Evidence]:
        found = watermarking.find(media, key=watermark_key())
        if found is None:
            summary = "No watermark of this machine's key was found."
            return [self._evidence("no-watermark", "nothing", "weak", summary)]
        credentials = read(media)
        registry = shared_registry(settings().registry_url)
        if registry is None:
            return [self._unregistered(found, credentials)]
        named = registry.manifests_for_payload(found.payload, found.payload_bits)
        if not named:
            return [self._unregistered(found, credentials)]
        for record in named:
            if registry.resembles(record.label, media).same:
                return [self._registered(media, found, credentials, record)]
        return [self._not_recognised(media, found, named[0])]

    def _part(self, media: Media, found: Detection, record: ManifestRecord) -> Evidence | None:
        """Evidence that only a part of the picture is the one that was signed, if so.

        A signed picture inside a newspaper page says nothing about the rest of the page.
        """
        if not media.is_image:
            return None
        boxes = [
            (region.left, region.top, region.right, region.bottom)
            for region in watermarking.regions(media, found, key=watermark_key())
        ]
        area = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
        share = min(1.0, area / (media.width * media.height))
        if not boxes or share >= WHOLE_SHARE:
            return None
        summary = (
            f"About {100 * share:.0f} % of this picture is a picture that was signed: "
            f"{record.description} Nothing is said about the rest."
        )
        details = {"manifest": record.label, "boxes": boxes, "share": share}
        return self._evidence("signed-part", "nothing", "strong", summary, found, details)

    def _unregistered(self, found: Detection, credentials: Credentials) -> Evidence:
        if _agrees(credentials, found):
            summary = "The watermark and the manifest in this file name each other."
            return self._evidence("watermark-agrees", "nothing", "strong", summary, found)
        summary = (
            f"Carries the watermark {_hex(found)} of this machine's key, "
            "but the registry does not know it."
        )
        return self._evidence("watermark-unregistered", "nothing", "moderate", summary, found)

    def _not_recognised(self, media: Media, found: Detection, record: ManifestRecord) -> Evidence:
        """The registered picture does not show: another picture, or too little of it?"""
        details = {"manifest": record.label}
        if _shown_share(media, found, record) < WHOLE_SHARE:
            summary = (
                f"Carries the watermark {_hex(found)} of a signed picture ({record.label}), but "
                "shows too little of it to be recognised."
            )
            return self._evidence(
                "watermark-unconfirmed", "nothing", "moderate", summary, found, details
            )
        summary = (
            f"The watermark {_hex(found)} was given to another picture ({record.label}) "
            "and copied onto this one."
        )
        return self._evidence("watermark-copied", "altered", "strong", summary, found, details)

    def _registered(
        self, media: Media, found: Detection, credentials: Credentials, record: ManifestRecord
    ) -> Evidence:
        details = {"manifest": record.label, **record.details}
        intact = credentials.state in ("valid", "trusted")
        if intact and (record.label in _all_labels(credentials) or _agrees(credentials, found)):
            summary = "The watermark and the manifest in this file name each other."
            return self._evidence(
                "watermark-agrees", record.origin, "strong", summary, found, details
            )
        if intact and credentials.watermark_payload is not None:
            summary = (
                f"The watermark names the manifest {record.label}, but the manifest in this "
                "file names another watermark."
            )
            return self._evidence(
                "watermark-disagrees", "altered", "strong", summary, found, details
            )
        if part := self._part(media, found, record):
            return part
        summary = (
            "The watermark leads back to the manifest this picture was signed with: "
            f"{record.description}"
        )
        return self._evidence(
            "manifest-recovered", record.origin, "strong", summary, found, details
        )

    def _evidence(
        self,
        finding: str,
        points_to: PointsTo,
        strength: Strength,
        summary: str,
        found: Detection | None = None,
        details: dict[str, Any] | None = None,
    ) -> Evidence:
        measured = {} if found is None else {"payload": _hex(found), "bits": found.payload_bits}
        return Evidence(
            examiner=self.name,
            version=self.version,
            kind="watermark",
            finding=finding,
            points_to=points_to,
            strength=strength,
            log10_false_alarm=None if found is None else found.log10_false_alarm,
            summary=summary,
            details={**measured, **(details or {})},
        )


def _hex(found: Detection) -> str:
    return f"{found.payload:0{found.payload_bits // 4}x}"


def _shown_share(media: Media, found: Detection, record: ManifestRecord) -> float:
    """How much of the registered picture's area this one could show, by the mark's own scale.

    The mark repeats with a period that is fixed by the size of the picture it was made for;
    counting periods compares areas whatever was cropped, scaled or turned since.
    """
    height, width = record.details.get("height"), record.details.get("width")
    if not isinstance(height, int) or not isinstance(width, int):
        return 1.0
    registered = height * width / native_tile(height, width) ** 2
    scale = found.geometry.scale_x * found.geometry.scale_y
    tile = native_tile(media.height, media.width) ** 2 * scale
    return media.height * media.width / tile / registered


def _agrees(credentials: Credentials, found: Detection) -> bool:
    """Whether the manifest in the file names this payload (its low bits, for a short mark)."""
    named = credentials.watermark_payload
    return named is not None and named & ((1 << found.payload_bits) - 1) == found.payload


def _all_labels(credentials: Credentials) -> set[str]:
    """The labels of the manifest in the file and of everything it was made from."""
    below = {part.manifest_label for top in credentials.ingredients for part in top.walk()}
    return {label for label in (*credentials.manifest_labels, *below) if label}

"""What stands behind a classifier's score, on its way out of the child process that drew it."""

from __future__ import annotations

import base64
import json

from assay.detector.plates import Explanation, Plate
from assay.media import Media


def pack(media: Media) -> bytes:
    """Explain media, as JSON. Runs where media are decoded: in a child process.

    Raises:
        InputRefused, ConfigurationError: as `assay.detector.explanation.explain`.
    """
    from assay.detector.explanation import explain

    explained = explain(media)
    plates = [
        {
            "name": plate.name,
            "title": plate.title,
            "caption": plate.caption,
            "png": base64.b64encode(plate.png).decode(),
            "exploratory": plate.exploratory,
        }
        for plate in explained.plates
    ]
    return json.dumps({"reasons": explained.reasons, "plates": plates}).encode()


def unpack(data: bytes) -> Explanation:
    """What `pack` wrote, without the score: the verification has that."""
    told = json.loads(data)
    plates = [Plate(**{**plate, "png": base64.b64decode(plate["png"])}) for plate in told["plates"]]
    return Explanation(None, tuple(told["reasons"]), tuple(plates))

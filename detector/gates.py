"""The gates: everything that keeps a high score from becoming a claim.

They are tried in order and the first objection is the reason for abstaining. What passes all of
them counts as likely generated; nothing ever counts as captured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assay.datasets.laundering_suite import SUITE
from assay.detector.degradation import examine_condition, too_small
from assay.detector.domain import examine_domain
from assay.detector.models import DetectorModel, Reading
from assay.detector.neutralisation import STANDARD, reduce

Gate = Literal["model", "domain", "degradation", "threshold", "stability"]

# A claim must hold up under two mild further deliveries.
DELIVERIES = {
    "at JPEG quality 70": SUITE["jpeg-70"],
    "reduced to three quarters": SUITE["resize-0.75"],
}


@dataclass(frozen=True)
class Objection:
    """Why nothing is concluded.

    Attributes:
        gate: which gate objects.
        reason: in words.
    """

    gate: Gate
    reason: str


def objection(
    pixels: NDArray[np.uint8], reading: Reading, model: DetectorModel
) -> Objection | None:
    """The first objection to calling a picture likely generated, or None.

    Args:
        pixels: sRGB uint8, HxWx3, as they came.
        reading: what `model` read from them.
    """
    if model.objection:
        return Objection("model", model.objection)
    # A thumbnail also looks uniform or foreign, but its size is what its owner can mend.
    if tiny := too_small(min(pixels.shape[:2])):
        return Objection("degradation", tiny)
    small = reduce(pixels, STANDARD.long_side)
    if foreign := examine_domain(pixels, small).objection():
        return Objection("domain", foreign)
    if reading.unlike_training:
        return Objection("domain", "unlike the pictures the model was trained on")
    if degraded := examine_condition(pixels, small).objection():
        return Objection("degradation", degraded)
    if reading.log_odds <= model.threshold:
        return Objection("threshold", "below the threshold, where photographs score as well")
    for name, deliver in DELIVERIES.items():
        if model.read(deliver(pixels)).log_odds <= model.stability:
            reason = f"not stable: {name} the picture scores like a photograph"
            return Objection("stability", reason)
    return None
